namespace Insa.Iiot.Ingestion.Decoding;

/// <summary>What one platform message has said so far, whatever it is written in.</summary>
internal struct PlatformFrame()
{
    private PlatformKey _seen;

    /// <summary>The quality of all its values.</summary>
    public TelemetryQuality Quality { get; private set; } = TelemetryQuality.Good;

    /// <summary>Where its data begins.</summary>
    public int DataAt { get; set; }

    public readonly bool HasData => (_seen & PlatformKey.Data) != PlatformKey.Unknown;

    /// <returns><see langword="false"/> if the key stands twice. Keys that mean nothing may.</returns>
    public bool TryMark(ReadOnlySpan<byte> text, out PlatformKey key)
    {
        key =
            text.SequenceEqual("data"u8) ? PlatformKey.Data
            : text.SequenceEqual("device_id"u8) ? PlatformKey.Device
            : text.SequenceEqual("timestamp"u8) ? PlatformKey.Timestamp
            : text.SequenceEqual("quality"u8) ? PlatformKey.Quality
            : PlatformKey.Unknown;
        var isNew = (_seen & key) == PlatformKey.Unknown;
        _seen |= key;
        return isNew;
    }

    public IngestReason SetQuality(ReadOnlySpan<byte> text)
    {
        if (text.SequenceEqual("uncertain"u8))
            Quality = TelemetryQuality.Uncertain;
        else if (text.SequenceEqual("bad"u8))
            Quality = TelemetryQuality.Bad;
        else if (!text.SequenceEqual("good"u8))
            return IngestReason.Malformed;
        return IngestReason.None;
    }
}
