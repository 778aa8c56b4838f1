namespace Insa.Iiot.Storage.Postgres.Chunks;

/// <summary>Kinds or qualities that seldom change: runs of a byte and its length as a varint.</summary>
internal static class RunColumn
{
    public static void Write<T>(ReadOnlySpan<T> values, Func<T, byte> toByte, ChunkWriter writer)
        where T : struct, Enum
    {
        while (!values.IsEmpty)
        {
            var end = values.IndexOfAnyExcept(values[0]);
            var run = end < 0 ? values.Length : end;
            writer.WriteByte(toByte(values[0]));
            writer.WriteVarint((ulong)run);
            values = values[run..];
        }
    }

    /// <summary>Reads as many as <paramref name="values"/> holds; no byte above <paramref name="greatest"/>.</summary>
    public static bool TryRead<T>(ref ChunkReader reader, Span<T> values, byte greatest, Func<byte, T> fromByte)
        where T : struct, Enum
    {
        while (!values.IsEmpty)
        {
            if (!reader.TryReadByte(out var value) || value > greatest)
                return false;
            if (!reader.TryReadVarint(out var run) || run == 0 || run > (ulong)values.Length)
                return false;
            values[..(int)run].Fill(fromByte(value));
            values = values[(int)run..];
        }

        return true;
    }
}
