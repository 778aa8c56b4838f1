using Insa.Iiot.Storage.Postgres.Chunks;

namespace Insa.Iiot.Storage.Postgres.Tests.Chunks;

public sealed class SeriesColumnsTests
{
    private readonly SeriesColumns _series = new();

    [Fact]
    public void Points_come_out_as_they_went_in()
    {
        _series.Append(1, TelemetryValueKind.Long, 7, TelemetryQuality.Late);
        _series.AppendText(2, TelemetryValueKind.Json, "[1]"u8, TelemetryQuality.Good);
        _series.AppendText(3, TelemetryValueKind.Text, ""u8, TelemetryQuality.Bad);
        Assert.Equal([1, 2, 3], _series.Times.ToArray());
        Assert.Equal([TelemetryValueKind.Long, TelemetryValueKind.Json, TelemetryValueKind.Text], _series.Kinds.ToArray());
        Assert.Equal([TelemetryQuality.Late, TelemetryQuality.Good, TelemetryQuality.Bad], _series.Qualities.ToArray());
        Assert.Equal(7, _series.Bits[0]);
        Assert.Equal("[1]"u8, _series.GetUtf8(1));
        Assert.True(_series.GetUtf8(2).IsEmpty);
    }

    [Fact]
    public void A_cleared_buffer_is_filled_again_without_allocating()
    {
        Fill(1_000);
        _series.Clear();
        Assert.Equal(0, _series.Count);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Fill(1_000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal("text"u8, _series.GetUtf8(999));
    }

    [Fact]
    public void True_is_one()
    {
        _series.Append(1, TelemetryValueKind.Bool, 5, TelemetryQuality.Good);
        Assert.Equal(1, _series.Bits[0]);
    }

    [Fact]
    public void Texts_and_numbers_are_not_taken_for_each_other()
    {
        Assert.Throws<ArgumentException>(() => _series.Append(1, TelemetryValueKind.Text, 5, TelemetryQuality.Good));
        Assert.Throws<ArgumentException>(() => _series.AppendText(1, TelemetryValueKind.Long, "5"u8, TelemetryQuality.Good));
        _series.Append(1, TelemetryValueKind.Long, 5, TelemetryQuality.Good);
        Assert.Throws<InvalidOperationException>(() => _series.GetUtf8(0).Length);
    }

    private void Fill(int count)
    {
        for (var i = 0; i < count; i++)
            _series.AppendText(i, TelemetryValueKind.Text, "text"u8, TelemetryQuality.Good);
    }
}
