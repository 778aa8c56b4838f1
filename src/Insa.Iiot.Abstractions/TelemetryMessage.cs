namespace Insa.Iiot;

/// <summary>One message as it lies in the network buffer. Nothing of it is kept after the call it is passed to.</summary>
public readonly ref struct TelemetryMessage
{
    /// <summary>Makes a message.</summary>
    public TelemetryMessage(PayloadFormat format, ReadOnlySpan<byte> payload)
    {
        Format = format;
        Payload = payload;
    }

    /// <summary>How to read the payload.</summary>
    public PayloadFormat Format { get; }

    /// <summary>The payload in place.</summary>
    public ReadOnlySpan<byte> Payload { get; }

    /// <summary>The addressed device in UTF-8 where the protocol names one (a gateway's topic or path); empty means the session's own.</summary>
    public ReadOnlySpan<byte> Device { get; init; }

    /// <summary>The metric in UTF-8 where the protocol names one, for <see cref="PayloadFormat.Scalar"/>; else empty.</summary>
    public ReadOnlySpan<byte> Metric { get; init; }

    /// <summary>
    /// When it arrived, UTC, if that was before now: of a message that is replayed. Then it is the time of values that carry none, and what other times
    /// are measured by; frames of one message without a time follow each other by a microsecond. <see langword="null"/> means now.
    /// </summary>
    /// <exception cref="ArgumentException">The time is not UTC.</exception>
    public DateTime? ReceivedAt
    {
        get;
        init =>
            field = value is null or { Kind: DateTimeKind.Utc }
                ? value
                : throw new ArgumentException("The time of arrival must be UTC.", nameof(value));
    }
}
