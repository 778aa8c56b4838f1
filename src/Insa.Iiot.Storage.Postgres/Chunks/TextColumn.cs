using System.IO.Compression;

namespace Insa.Iiot.Storage.Postgres.Chunks;

/// <summary>Texts and JSON: the lengths as varints, then all the bytes; the whole compressed if that is shorter.</summary>
/// <remarks>The length of the whole as a varint; its compressed length (RFC 7932), or 0, as a varint; then that.</remarks>
internal sealed class TextColumn
{
    private const int Quality = 2;
    private const int WindowBits = 16;
    private const int LeastToCompress = 32;
    private const int LongestLength = 5;

    private readonly ChunkWriter _plain = new();

    /// <summary>Writes all points of <paramref name="columns"/> that are text.</summary>
    public void Write(SeriesColumns columns, ChunkWriter writer)
    {
        _plain.Truncate(0);
        var kinds = columns.Kinds;
        var bits = columns.Bits;
        for (var i = 0; i < kinds.Length; i++)
        {
            if (SeriesColumns.IsText(kinds[i]))
                _plain.WriteVarint((uint)bits[i]);
        }

        for (var i = 0; i < kinds.Length; i++)
        {
            if (SeriesColumns.IsText(kinds[i]))
                _plain.WriteBytes(columns.GetUtf8(i));
        }

        var plain = _plain.Written;
        writer.WriteVarint((ulong)plain.Length);
        if (plain.Length < LeastToCompress || !TryWriteCompressed(plain, writer))
        {
            writer.WriteVarint(0);
            writer.WriteBytes(plain);
        }
    }

    /// <summary>Reads all points that are text by <see cref="SeriesColumns.Kinds"/>, <paramref name="count"/> of them.</summary>
    public bool TryRead(ref ChunkReader reader, SeriesColumns columns, int count, int maxTextBytes)
    {
        if (!reader.TryReadVarint(out var plainLength) || !reader.TryReadVarint(out var compressedLength))
            return false;
        if (plainLength > (ulong)maxTextBytes + ((ulong)count * LongestLength) || plainLength > (ulong)Array.MaxLength)
            return false;
        if (compressedLength == 0)
            return reader.TryReadBytes(plainLength, out var plain) && TryReadPlain(plain, columns, maxTextBytes);
        if (!reader.TryReadBytes(compressedLength, out var compressed))
            return false;

        _plain.Truncate(0);
        var target = _plain.Reserve((int)plainLength)[..(int)plainLength];
        return BrotliDecoder.TryDecompress(compressed, target, out var written)
            && written == target.Length
            && TryReadPlain(target, columns, maxTextBytes);
    }

    private static bool TryWriteCompressed(ReadOnlySpan<byte> plain, ChunkWriter writer)
    {
        // Room for less than the plain bytes: what would be longer fails. The length is then put before it.
        const int Room = 8;
        var target = writer.Reserve(plain.Length + Room);
        if (!BrotliEncoder.TryCompress(plain, target.Slice(Room, plain.Length), out var written, Quality, WindowBits))
            return false;
        writer.WriteVarint((ulong)written);
        target.Slice(Room, written).CopyTo(writer.Reserve(written));
        writer.Advance(written);
        return true;
    }

    private static bool TryReadPlain(ReadOnlySpan<byte> plain, SeriesColumns columns, int maxTextBytes)
    {
        var reader = new ChunkReader(plain);
        var kinds = columns.Kinds;
        var bits = columns.Bits;
        ulong total = 0;
        for (var i = 0; i < kinds.Length; i++)
        {
            if (!SeriesColumns.IsText(kinds[i]))
                continue;
            if (!reader.TryReadVarint(out var length) || length > (ulong)maxTextBytes - total)
                return false;
            bits[i] = SeriesColumns.TextBits((int)total, (int)length);
            total += length;
        }

        if (reader.Rest.Length != (int)total)
            return false;
        reader.Rest.CopyTo(columns.ExtendText((int)total));
        return true;
    }
}
