using System.Text;
using CsCheck;
using Insa.Iiot.Storage.Postgres.Chunks;

namespace Insa.Iiot.Storage.Postgres.Tests.Chunks;

/// <summary>Series of every make, and what it takes to compare them.</summary>
internal static class AnySeries
{
    public const int MaxPoints = 100_000;
    public const int MaxTextBytes = 1_000_000;

    private static readonly Gen<long> RawDouble = Gen.OneOf(
            BitConverter.DoubleToInt64Bits(-0.0),
            BitConverter.DoubleToInt64Bits(double.NaN),
            0x7FF0_0000_0000_0001,
            unchecked((long)0xFFFF_FFFF_FFFF_FFFF),
            BitConverter.DoubleToInt64Bits(double.PositiveInfinity),
            BitConverter.DoubleToInt64Bits(double.NegativeInfinity),
            BitConverter.DoubleToInt64Bits(double.MaxValue),
            BitConverter.DoubleToInt64Bits(double.Epsilon),
            BitConverter.DoubleToInt64Bits(1L << 53),
            BitConverter.DoubleToInt64Bits((1L << 53) + 2.0)
        )
        .Select(bits => bits);

    private static readonly Gen<long> DecimalDouble = Gen.Select(
        Gen.Long[-100_000, 100_000],
        Gen.Int[0, 7],
        (integer, places) => BitConverter.DoubleToInt64Bits(integer / Math.Pow(10, places))
    );

    private static readonly Gen<long> AnyDouble = Gen.Frequency(
        (8, DecimalDouble),
        (1, RawDouble),
        (1, Gen.Double.Select(BitConverter.DoubleToInt64Bits))
    );

    private static readonly Gen<long> AnyLong = Gen.OneOf(Gen.Long[-100, 100], Gen.Long, Gen.OneOf(long.MinValue, long.MaxValue, 0L, -1L));

    private static readonly Gen<string> AnyText = Gen.OneOf(Gen.OneOf("", "RUNNING", "IDLE"), Gen.String[0, 40]);

    private static readonly Gen<TelemetryQuality> AnyQuality = Gen.Frequency(
        (9, Gen.Const(TelemetryQuality.Good)),
        (1, Gen.Byte.Select(value => (TelemetryQuality)value))
    );

    private static readonly Gen<TestPoint> AnyDoublePoint = AnyDouble.Select(
        AnyQuality,
        (bits, quality) => new TestPoint(TelemetryValueKind.Double, bits, "", quality)
    );

    private static readonly Gen<TestPoint> RawDoublePoint = Gen.Frequency(
            (8, Gen.Double.Select(BitConverter.DoubleToInt64Bits)),
            (2, RawDouble)
        )
        .Select(bits => new TestPoint(TelemetryValueKind.Double, bits, "", TelemetryQuality.Good));

    private static readonly Gen<TestPoint> AnyLongPoint = AnyLong.Select(
        AnyQuality,
        (bits, quality) => new TestPoint(TelemetryValueKind.Long, bits, "", quality)
    );

    private static readonly Gen<TestPoint> AnyBoolPoint = Gen.Long[0, 1]
        .Select(bits => new TestPoint(TelemetryValueKind.Bool, bits, "", TelemetryQuality.Good));

    private static readonly Gen<TestPoint> AnyTextPoint = AnyText.Select(
        Gen.OneOf(TelemetryValueKind.Text, TelemetryValueKind.Json),
        (text, kind) => new TestPoint(kind, 0, text, TelemetryQuality.Good)
    );

    /// <summary>All of one kind, or mixed; on regular times, jittered ones, or any at all.</summary>
    public static readonly Gen<SeriesColumns> Series = Gen.OneOf(
            AnyDoublePoint.Array[0, 400],
            RawDoublePoint.Array[0, 400],
            AnyLongPoint.Array[0, 400],
            AnyBoolPoint.Array[0, 400],
            AnyTextPoint.Array[0, 100],
            Gen.OneOf(AnyDoublePoint, RawDoublePoint, AnyLongPoint, AnyBoolPoint, AnyTextPoint).Array[0, 300]
        )
        .SelectMany(points => TimesOf(points.Length).Select(times => ColumnsOf(times, points)));

    public static bool AreEqual(SeriesColumns left, SeriesColumns right)
    {
        if (!left.Times.SequenceEqual(right.Times) || !left.Kinds.SequenceEqual(right.Kinds))
            return false;
        if (!left.Qualities.SequenceEqual(right.Qualities))
            return false;
        for (var i = 0; i < left.Count; i++)
        {
            var isEqual = SeriesColumns.IsText(left.Kinds[i])
                ? left.GetUtf8(i).SequenceEqual(right.GetUtf8(i))
                : left.Bits[i] == right.Bits[i];
            if (!isEqual)
                return false;
        }

        return true;
    }

    private static Gen<long[]> TimesOf(int count) =>
        Gen.OneOf(
            Gen.Long[-1_000_000_000_000, 1_000_000_000_000]
                .Select(Gen.OneOf(1L, 1_000L, 60_000_000L), (start, period) => Regular(start, period, count)),
            Gen.Long[1, 5_000_000]
                .Array[count]
                .Select(distances =>
                {
                    long time = 1_777_636_800_000_000;
                    return Array.ConvertAll(distances, distance => time += distance);
                }),
            Gen.Frequency((9, Gen.Long), (1, Gen.OneOf(long.MinValue, long.MaxValue)))
                .HashSet[count]
                .Select(times =>
                {
                    var sorted = new long[times.Count];
                    times.CopyTo(sorted);
                    Array.Sort(sorted);
                    return sorted;
                })
        );

    private static long[] Regular(long start, long period, int count)
    {
        var times = new long[count];
        for (var i = 0; i < count; i++)
            times[i] = start + (i * period);
        return times;
    }

    private static SeriesColumns ColumnsOf(long[] times, TestPoint[] points)
    {
        var columns = new SeriesColumns();
        for (var i = 0; i < points.Length; i++)
        {
            var point = points[i];
            if (SeriesColumns.IsText(point.Kind))
                columns.AppendText(times[i], point.Kind, Encoding.UTF8.GetBytes(point.Text), point.Quality);
            else
                columns.Append(times[i], point.Kind, point.Bits, point.Quality);
        }

        return columns;
    }
}
