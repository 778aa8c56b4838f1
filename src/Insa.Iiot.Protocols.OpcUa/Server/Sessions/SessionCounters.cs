using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Server.Sessions;

/// <summary>Counts a session's requests, all and by service. Thread-safe; several counts read together are of about now.</summary>
internal sealed class SessionCounters
{
    private readonly uint[] _received = new uint[CountedServices.Count];
    private readonly uint[] _failed = new uint[CountedServices.Count];
    private uint _allReceived;
    private uint _allFailed;
    private uint _unauthorized;

    /// <summary>What the session's tenant counts; <see langword="null"/> until it is activated.</summary>
    public TenantCounters? Tenant { get; set; }

    /// <summary>Requests that were refused because of who has sent them, or by what channel.</summary>
    public uint Unauthorized => Volatile.Read(ref _unauthorized);

    public ServiceCounterDataType Total =>
        new() { TotalCount = Volatile.Read(ref _allReceived), ErrorCount = Volatile.Read(ref _allFailed) };

    public ServiceCounterDataType Of(CountedService service) =>
        new() { TotalCount = Volatile.Read(ref _received[(int)service]), ErrorCount = Volatile.Read(ref _failed[(int)service]) };

    public void Received(CountedService service)
    {
        Interlocked.Increment(ref _allReceived);
        Interlocked.Increment(ref _received[(int)service]);
    }

    public void Failed(CountedService service, StatusCode status)
    {
        var isSecurity = SecurityStatus.Is(status);
        Interlocked.Increment(ref _allFailed);
        Interlocked.Increment(ref _failed[(int)service]);
        if (isSecurity)
            Interlocked.Increment(ref _unauthorized);
        Tenant?.RequestRejected(isSecurity);
    }

    public void Reset()
    {
        Array.Clear(_received);
        Array.Clear(_failed);
        (_allReceived, _allFailed, _unauthorized) = (0, 0, 0);
    }
}
