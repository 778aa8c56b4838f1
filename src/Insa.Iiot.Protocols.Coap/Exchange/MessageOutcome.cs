namespace Insa.Iiot.Protocols.Coap.Exchange;

/// <summary>How a confirmable message of ours has ended.</summary>
internal enum MessageOutcome
{
    Acknowledged,

    /// <summary>The peer wants none of it.</summary>
    Reset,

    /// <summary>It was sent often enough.</summary>
    TimedOut,

    /// <summary>Too many wait already, or the peer's session is over: it was not sent.</summary>
    Dropped,
}
