namespace Insa.Iiot.Storage.Postgres;

/// <summary>The fixed parts of COPY's binary format (PostgreSQL documentation, COPY, "Binary Format").</summary>
internal static class CopyFormat
{
    /// <summary>Signature, flags and the length of the header's extension, which is none.</summary>
    public static ReadOnlySpan<byte> Header =>
        [
            (byte)'P',
            (byte)'G',
            (byte)'C',
            (byte)'O',
            (byte)'P',
            (byte)'Y',
            (byte)'\n',
            0xFF,
            (byte)'\r',
            (byte)'\n',
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
        ];

    /// <summary>A row of -1 fields.</summary>
    public static ReadOnlySpan<byte> Trailer => [0xFF, 0xFF];
}
