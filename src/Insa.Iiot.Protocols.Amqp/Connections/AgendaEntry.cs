namespace Insa.Iiot.Protocols.Amqp.Connections;

/// <summary>One that is due, or being looked at, or to be looked at later.</summary>
internal sealed class AgendaEntry
{
    public bool IsWorking { get; set; }

    /// <summary>Whether there was news while it was looked at.</summary>
    public bool IsNews { get; set; }

    public DateTimeOffset? LaterAt { get; set; }
}
