using Insa.Iiot.Storage.Postgres.Chunks;

namespace Insa.Iiot.Storage.Postgres.Tests.Chunks;

/// <summary>Series as devices make them; the same in every run.</summary>
internal static class Made
{
    private const long Start = 1_777_636_800_000_000;
    private const long Minute = 60_000_000;

    public static long Minutely(int index) => Start + (index * Minute);

    /// <summary>A minute apart, early or late by up to six seconds, to the millisecond.</summary>
    public static Func<int, long> Jittered()
    {
        var random = new Random(1);
        return index => Minutely(index) + (random.Next(-6_000, 6_001) * 1_000L);
    }

    public static Func<int, double> RandomWalk(double step)
    {
        var random = new Random(2);
        var value = 50.0;
        var places = (int)Math.Round(-Math.Log10(step));
        return _ => Math.Round(value += (random.NextDouble() - 0.5) * step * 100, places);
    }

    public static Func<int, double> Walk()
    {
        var random = new Random(7);
        var value = 50.0;
        return _ => value += random.NextDouble() - 0.5;
    }

    public static SeriesColumns Series(int count, Func<int, long> time, Func<int, double> value)
    {
        var columns = new SeriesColumns();
        for (var i = 0; i < count; i++)
            columns.Append(time(i), TelemetryValueKind.Double, BitConverter.DoubleToInt64Bits(value(i)), TelemetryQuality.Good);
        return columns;
    }

    public static SeriesColumns Integers(int count, TelemetryValueKind kind, Func<int, long> value)
    {
        var columns = new SeriesColumns();
        for (var i = 0; i < count; i++)
            columns.Append(Minutely(i), kind, value(i), TelemetryQuality.Good);
        return columns;
    }
}
