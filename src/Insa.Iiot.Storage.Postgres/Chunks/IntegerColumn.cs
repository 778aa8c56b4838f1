namespace Insa.Iiot.Storage.Postgres.Chunks;

/// <summary>Integers that follow one another: times, counters, scaled decimals.</summary>
/// <remarks>
/// The first as a signed varint; the unit, the greatest common divisor of all distances, as a varint (0: all are alike, and nothing
/// follows); then the distances in units, in blocks of <see cref="IntegerBlock.Capacity"/>. So times kept in microseconds but taken on
/// whole seconds cost what seconds cost. All arithmetic wraps around, hence any integers at all can be written.
/// </remarks>
internal static class IntegerColumn
{
    public static void Write(ReadOnlySpan<long> values, ChunkWriter writer)
    {
        writer.WriteSigned(values[0]);
        if (values.Length == 1)
            return;
        var unit = UnitOf(values);
        writer.WriteVarint(unit);
        if (unit == 0)
            return;

        Span<long> distances = stackalloc long[IntegerBlock.Capacity];
        for (var start = 1; start < values.Length; start += IntegerBlock.Capacity)
        {
            var block = distances[..Math.Min(IntegerBlock.Capacity, values.Length - start)];
            Subtract(values.Slice(start, block.Length), values.Slice(start - 1, block.Length), block);
            if (unit > 1)
                Divide(block, (long)unit);
            IntegerBlock.Write(block, writer);
        }
    }

    /// <summary>Reads as many integers as <paramref name="values"/> holds, at least one.</summary>
    public static bool TryRead(ref ChunkReader reader, Span<long> values)
    {
        if (!reader.TryReadSigned(out var value))
            return false;
        values[0] = value;
        if (values.Length == 1)
            return true;
        if (!reader.TryReadVarint(out var unit))
            return false;
        if (unit == 0)
        {
            values.Fill(value);
            return true;
        }

        for (var start = 1; start < values.Length; start += IntegerBlock.Capacity)
        {
            var block = values.Slice(start, Math.Min(IntegerBlock.Capacity, values.Length - start));
            if (!IntegerBlock.TryRead(ref reader, block))
                return false;
            foreach (ref var item in block)
            {
                value += item * (long)unit;
                item = value;
            }
        }

        return true;
    }

    private static ulong UnitOf(ReadOnlySpan<long> values)
    {
        ulong unit = 0;
        for (var i = 1; i < values.Length && unit != 1; i++)
        {
            var distance = values[i] - values[i - 1];
            var magnitude = distance < 0 ? 0 - (ulong)distance : (ulong)distance;
            if (magnitude != unit)
                unit = GreatestCommonDivisor(magnitude, unit);
        }

        return unit;
    }

    private static ulong GreatestCommonDivisor(ulong left, ulong right)
    {
        while (right != 0)
            (left, right) = (right, left % right);
        return left;
    }

    private static void Subtract(ReadOnlySpan<long> values, ReadOnlySpan<long> previous, Span<long> distances)
    {
        for (var i = 0; i < distances.Length; i++)
            distances[i] = values[i] - previous[i];
    }

    private static void Divide(Span<long> distances, long unit)
    {
        foreach (ref var distance in distances)
            distance /= unit;
    }
}
