namespace Insa.Iiot.Storage.Postgres.Chunks;

/// <summary>How the points of one series lie in a chunk. Chunks are kept for years: what is written here once is read for good.</summary>
/// <remarks>
/// <see cref="Version"/>, a byte. The number of points, a varint; nothing follows 0. The shape, a byte: the
/// <see cref="TelemetryValueKind"/> of all points or <see cref="MixedKinds"/>, and <see cref="MixedQualities"/> if not all are good.
/// Then <see cref="RunColumn"/> of the kinds if mixed, and of the qualities if mixed; the times (<see cref="IntegerColumn"/>); and of the
/// kinds that occur, in this order: doubles (<see cref="DoubleColumn"/>), integers (<see cref="IntegerColumn"/>), booleans
/// (<see cref="BoolColumn"/>), texts and JSON together (<see cref="TextColumn"/>). Nothing follows. Whole numbers are little-endian, varints
/// have seven bits a byte, the lowest first; signed ones are zigzag (<see cref="ZigZag"/>).
/// </remarks>
internal static class ChunkFormat
{
    /// <summary>The most points of a stored chunk: more than a day of the fastest device.</summary>
    public const int MaxPoints = 200_000_000;

    /// <summary>The most bytes of text of a stored chunk.</summary>
    public const int MaxTextBytes = 1_000_000_000;

    public const byte Version = 1;
    public const byte MixedKinds = 0x07;
    public const byte MixedQualities = 0x08;
}
