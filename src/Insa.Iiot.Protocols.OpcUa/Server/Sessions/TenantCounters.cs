namespace Insa.Iiot.Protocols.OpcUa.Server.Sessions;

/// <summary>
/// What is counted of a tenant's sessions (OPC 10000-5 §12.9). Counting goes on while it is switched off: nobody can read it then, and switching on begins
/// anew. Thread-safe.
/// </summary>
internal sealed class TenantCounters
{
    private uint _sessionsOpened;
    private uint _sessionsRejected;
    private uint _sessionsSecurityRejected;
    private uint _sessionsTimedOut;
    private uint _sessionsAborted;
    private uint _requestsRejected;
    private uint _requestsSecurityRejected;
    private volatile bool _isEnabled = true;

    /// <summary>Whether the tenant is told of them.</summary>
    public bool IsEnabled => _isEnabled;

    public uint SessionsOpened => Volatile.Read(ref _sessionsOpened);

    public uint SessionsRejected => Volatile.Read(ref _sessionsRejected);

    public uint SessionsSecurityRejected => Volatile.Read(ref _sessionsSecurityRejected);

    public uint SessionsTimedOut => Volatile.Read(ref _sessionsTimedOut);

    public uint SessionsAborted => Volatile.Read(ref _sessionsAborted);

    public uint RequestsRejected => Volatile.Read(ref _requestsRejected);

    public uint RequestsSecurityRejected => Volatile.Read(ref _requestsSecurityRejected);

    public void SessionOpened() => Interlocked.Increment(ref _sessionsOpened);

    public void SessionTimedOut() => Interlocked.Increment(ref _sessionsTimedOut);

    public void SessionAborted() => Interlocked.Increment(ref _sessionsAborted);

    public void SessionRejected(bool isSecurity)
    {
        Interlocked.Increment(ref _sessionsRejected);
        if (isSecurity)
            Interlocked.Increment(ref _sessionsSecurityRejected);
    }

    public void RequestRejected(bool isSecurity)
    {
        Interlocked.Increment(ref _requestsRejected);
        if (isSecurity)
            Interlocked.Increment(ref _requestsSecurityRejected);
    }

    public void Disable() => _isEnabled = false;

    /// <summary>Begins anew.</summary>
    /// <param name="sessions">How many sessions there are: they have been opened.</param>
    public void Enable(uint sessions)
    {
        (_sessionsOpened, _sessionsRejected, _sessionsSecurityRejected, _sessionsTimedOut, _sessionsAborted) = (sessions, 0, 0, 0, 0);
        (_requestsRejected, _requestsSecurityRejected) = (0, 0);
        _isEnabled = true;
    }
}
