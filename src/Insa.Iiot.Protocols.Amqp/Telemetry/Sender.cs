namespace Insa.Iiot.Protocols.Amqp.Telemetry;

/// <summary>Whose a message is, as far as it is known without waiting: a session, a name to read it by, or why it is refused.</summary>
internal readonly ref struct Sender
{
    private Sender(DeviceSession? session, ReadOnlySpan<char> name, string? refusal)
    {
        Session = session;
        Name = name;
        Refusal = refusal;
    }

    /// <summary>The session, if it is known.</summary>
    public DeviceSession? Session { get; }

    /// <summary>What to read the session by, if it is neither known nor refused.</summary>
    public ReadOnlySpan<char> Name { get; }

    /// <summary>Why the message is refused.</summary>
    public string? Refusal { get; }

    public static Sender Of(DeviceSession session) => new(session, default, null);

    public static Sender ToRead(ReadOnlySpan<char> name) => new(null, name, null);

    public static Sender Refused(string reason) => new(null, default, reason);
}
