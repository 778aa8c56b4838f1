using Insa.Iiot.Storage.Postgres.Chunks;

namespace Insa.Iiot.Storage.Postgres.Tests.Chunks;

public sealed class ChunkSummaryTests
{
    private readonly SeriesColumns _series = new();

    [Fact]
    public void Numbers_and_booleans_count_in_the_order_of_time()
    {
        Append(3.5);
        _series.Append(1, TelemetryValueKind.Long, -4, TelemetryQuality.Uncertain);
        _series.Append(2, TelemetryValueKind.Bool, 1, TelemetryQuality.Late);
        Assert.Equal(new ChunkSummary(3, 3, 0.5, 29.25, -4, 3.5, 3.5, 1), ChunkSummary.Of(_series));
    }

    [Fact]
    public void Bad_points_and_texts_are_points_but_no_numbers()
    {
        Append(1, TelemetryQuality.Bad);
        Append(2);
        Append(3, TelemetryQuality.Bad | TelemetryQuality.Substituted);
        _series.AppendText(4, TelemetryValueKind.Text, "9"u8, TelemetryQuality.Good);
        Assert.Equal(new ChunkSummary(4, 1, 2, 4, 2, 2, 2, 2), ChunkSummary.Of(_series));
    }

    [Fact]
    public void What_is_not_finite_is_no_number()
    {
        Append(double.NaN);
        Append(5);
        Append(double.PositiveInfinity);
        Assert.Equal(new ChunkSummary(3, 1, 5, 25, 5, 5, 5, 5), ChunkSummary.Of(_series));
    }

    [Fact]
    public void Without_numbers_there_is_no_least_and_no_greatest()
    {
        _series.AppendText(0, TelemetryValueKind.Json, "[1]"u8, TelemetryQuality.Good);
        Assert.Equal(new ChunkSummary(1, 0, 0, 0, double.NaN, double.NaN, double.NaN, double.NaN), ChunkSummary.Of(_series));
        _series.Clear();
        Assert.Equal(0, ChunkSummary.Of(_series).Count);
    }

    private void Append(double value, TelemetryQuality quality = TelemetryQuality.Good) =>
        _series.Append(_series.Count, TelemetryValueKind.Double, BitConverter.DoubleToInt64Bits(value), quality);
}
