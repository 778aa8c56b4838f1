namespace Insa.Iiot.Storage.Postgres.Chunks;

/// <summary>What a reader of long spans needs of a chunk without decoding it.</summary>
/// <param name="Count">All points.</param>
/// <param name="Numbers">The points that the rest is about: finite numbers, and booleans as 1 and 0, whose quality is not bad.</param>
/// <param name="Sum">Their sum.</param>
/// <param name="SumOfSquares">The sum of their squares.</param>
/// <param name="Min">The least; NaN if there are no numbers.</param>
/// <param name="Max">The greatest; NaN if there are no numbers.</param>
/// <param name="First">The earliest; NaN if there are no numbers.</param>
/// <param name="Last">The latest; NaN if there are no numbers.</param>
internal readonly record struct ChunkSummary(
    int Count,
    int Numbers,
    double Sum,
    double SumOfSquares,
    double Min,
    double Max,
    double First,
    double Last
)
{
    public static ChunkSummary Of(SeriesColumns columns)
    {
        var bits = columns.Bits;
        var kinds = columns.Kinds;
        var qualities = columns.Qualities;
        var numbers = 0;
        double sum = 0;
        double sumOfSquares = 0;
        var min = double.PositiveInfinity;
        var max = double.NegativeInfinity;
        var first = double.NaN;
        var last = double.NaN;
        for (var i = 0; i < bits.Length; i++)
        {
            var kind = kinds[i];
            var value = kind == TelemetryValueKind.Double ? BitConverter.Int64BitsToDouble(bits[i]) : bits[i];
            if (kind > TelemetryValueKind.Bool || (qualities[i] & TelemetryQuality.Bad) == TelemetryQuality.Bad || !double.IsFinite(value))
                continue;
            if (numbers++ == 0)
                first = value;
            last = value;
            sum += value;
            sumOfSquares += value * value;
            min = value < min ? value : min;
            max = value > max ? value : max;
        }

        return numbers == 0
            ? new ChunkSummary(bits.Length, 0, 0, 0, double.NaN, double.NaN, double.NaN, double.NaN)
            : new ChunkSummary(bits.Length, numbers, sum, sumOfSquares, min, max, first, last);
    }
}
