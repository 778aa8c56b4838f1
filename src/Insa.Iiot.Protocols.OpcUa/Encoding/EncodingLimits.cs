namespace Insa.Iiot.Protocols.OpcUa.Encoding;

/// <summary>What one message may ask of its decoder. Whatever is beyond is refused with BadEncodingLimitsExceeded.</summary>
internal sealed record EncodingLimits
{
    public static EncodingLimits Default { get; } = new();

    public int MaxStringBytes { get; init; } = 1 << 20;

    public int MaxByteStringBytes { get; init; } = 1 << 20;

    /// <summary>Elements of one array.</summary>
    public int MaxArrayLength { get; init; } = 1 << 16;

    /// <summary>Nesting of variants, extension objects and diagnostic infos; the standard asks for 100 at least (Part 6 §5.2.2.15).</summary>
    public int MaxDepth { get; init; } = 100;

    /// <summary>Memory that one message may become, so that a megabyte of one-byte variants is not 24 of them.</summary>
    public int MaxDecodedBytes { get; init; } = 16 << 20;
}
