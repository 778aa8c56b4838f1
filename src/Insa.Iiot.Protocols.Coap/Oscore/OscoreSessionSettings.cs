using Insa.Iiot.Protocols.Coap.Exchange;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Oscore;

/// <summary>What the sessions of a listener share.</summary>
internal sealed class OscoreSessionSettings
{
    private readonly Lock _lock = new();
    private readonly MessageIds _ids = new();

    public required TimeProvider Time { get; init; }

    /// <summary>The bytes of answers that are kept for duplicates.</summary>
    public required OscoreBudget Budget { get; init; }

    /// <summary>The most registrations whose notifications can be protected.</summary>
    public required int MaxObservations { get; init; }

    /// <summary>Numbers a message of ours. By address, where several devices may be behind one socket.</summary>
    public ushort NextId(in PeerAddress address)
    {
        lock (_lock)
            return _ids.Next(address);
    }
}
