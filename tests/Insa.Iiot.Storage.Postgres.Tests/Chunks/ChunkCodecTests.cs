using CsCheck;
using Insa.Iiot.Storage.Postgres.Chunks;

namespace Insa.Iiot.Storage.Postgres.Tests.Chunks;

public sealed class ChunkCodecTests
{
    private readonly ChunkEncoder _encoder = new();
    private readonly ChunkDecoder _decoder = new();
    private readonly SeriesColumns _read = new();

    [Fact]
    public void Every_series_reads_back_to_the_bit() =>
        AnySeries.Series.Sample(
            series =>
            {
                // The generators run in parallel, hence buffers of its own for each.
                var read = new SeriesColumns();
                var chunk = new ChunkEncoder().Encode(series);
                return new ChunkDecoder().TryDecode(chunk, AnySeries.MaxPoints, AnySeries.MaxTextBytes, read)
                    && AnySeries.AreEqual(series, read);
            },
            iter: 3_000
        );

    [Fact]
    public void Used_buffers_read_and_write_as_new_ones_do() =>
        AnySeries.Series.Sample(
            series =>
            {
                var chunk = _encoder.Encode(series);
                return chunk.SequenceEqual(new ChunkEncoder().Encode(series))
                    && _decoder.TryDecode(chunk, AnySeries.MaxPoints, AnySeries.MaxTextBytes, _read)
                    && AnySeries.AreEqual(series, _read);
            },
            iter: 1_000,
            threads: 1
        );

    [Fact]
    public void A_chunk_cut_short_anywhere_is_refused() =>
        AnySeries.Series.Sample(
            series =>
            {
                var chunk = _encoder.Encode(series);
                for (var length = 0; length < chunk.Length; length++)
                {
                    if (_decoder.TryDecode(chunk[..length], AnySeries.MaxPoints, AnySeries.MaxTextBytes, _read) || _read.Count != 0)
                        return false;
                }

                return true;
            },
            iter: 100,
            threads: 1
        );

    [Fact]
    public void A_chunk_with_bytes_behind_it_is_refused() =>
        AnySeries.Series.Sample(
            series =>
            {
                byte[] chunk = [.. _encoder.Encode(series), 0];
                return !_decoder.TryDecode(chunk, AnySeries.MaxPoints, AnySeries.MaxTextBytes, _read);
            },
            iter: 300,
            threads: 1
        );

    [Fact]
    public void Changed_bytes_never_throw_and_never_break_the_order_of_times() =>
        Gen.Select(AnySeries.Series, Gen.Select(Gen.Int[0, int.MaxValue], Gen.Byte).Array[1, 4].Array[20])
            .Sample(
                (series, changes) =>
                {
                    var original = _encoder.Encode(series).ToArray();
                    foreach (var change in changes)
                    {
                        var chunk = (byte[])original.Clone();
                        foreach (var (index, value) in change)
                            chunk[index % chunk.Length] = value;
                        _ = _decoder.TryDecode(chunk, 1_000, 10_000, _read);
                        if (!IsWithinLimits())
                            return false;
                    }

                    return true;
                },
                iter: 3_000,
                threads: 1
            );

    [Fact]
    public void Random_bytes_never_throw() =>
        Gen.Select(Gen.Byte.Array[0, 200], Gen.Int[0, 1_000], Gen.Byte[0, 15])
            .Sample(
                (chunk, count, shape) =>
                {
                    // Past the head, which random bytes would hardly ever get right.
                    byte[] shaped = [ChunkFormat.Version, (byte)(count | 0x80), (byte)(count >> 7), shape, .. chunk];
                    _ = _decoder.TryDecode(chunk, 1_000, 10_000, _read);
                    var isFine = IsWithinLimits();
                    _ = _decoder.TryDecode(shaped, 1_000, 10_000, _read);
                    return isFine && IsWithinLimits();
                },
                iter: 100_000,
                threads: 1
            );

    [Fact]
    public void More_points_than_allowed_are_refused()
    {
        var series = Made.Series(101, Made.Minutely, i => i);
        var chunk = _encoder.Encode(series);
        Assert.False(_decoder.TryDecode(chunk, 100, 0, _read));
        Assert.True(_decoder.TryDecode(chunk, 101, 0, _read));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(500)]
    public void More_text_than_allowed_is_refused(int points)
    {
        var series = new SeriesColumns();
        for (var i = 0; i < points; i++)
            series.AppendText(i, TelemetryValueKind.Text, "RUNNING"u8, TelemetryQuality.Good);
        var chunk = _encoder.Encode(series);
        Assert.False(_decoder.TryDecode(chunk, points, (points * 7) - 1, _read));
        Assert.True(_decoder.TryDecode(chunk, points, points * 7, _read));
    }

    [Fact]
    public void A_count_beyond_what_the_bytes_can_hold_takes_no_memory()
    {
        byte[] chunk = [ChunkFormat.Version, 0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0, 0, 0];
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.False(_decoder.TryDecode(chunk, int.MaxValue, int.MaxValue, _read));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10_000);
    }

    [Fact]
    public void An_unknown_version_is_refused()
    {
        var chunk = _encoder.Encode(Made.Series(10, Made.Minutely, i => i)).ToArray();
        chunk[0]++;
        Assert.False(_decoder.TryDecode(chunk, 10, 0, _read));
    }

    [Theory]
    [InlineData(5, 5)]
    [InlineData(5, 4)]
    [InlineData(long.MaxValue, long.MinValue)]
    public void Times_that_do_not_ascend_are_not_encoded(long first, long second)
    {
        var series = new SeriesColumns();
        series.Append(first, TelemetryValueKind.Long, 0, TelemetryQuality.Good);
        series.Append(second, TelemetryValueKind.Long, 0, TelemetryQuality.Good);
        Assert.Throws<ArgumentException>(() => _encoder.Encode(series).Length);
    }

    // What lies in databases must be read for good: a change of these bytes needs a new version.
    [Fact]
    public void The_format_of_decimals_stays_as_it_is()
    {
        double[] values = [21.5, 21.6, 21.7];
        AssertFormat(
            Made.Series(3, i => 1_777_636_800_000_000 + (i * 1_000_000L), i => values[i]),
            "01030080C087A08AB0A806C0843D000201AE0301000200"
        );
    }

    [Fact]
    public void The_format_of_other_doubles_stays_as_it_is() =>
        AssertFormat(
            Made.Series(20, i => i * i, i => Math.Sqrt(2 + (i / 7))),
            "0114000001060280401888C23890445998C679A0480210CD3B7F669EA0F63FC06C3EBB3B7124B768E0D05799B0D0F56CF7FF00"
        );

    [Fact]
    public void The_format_of_doubles_by_their_bits_stays_as_it_is() =>
        AssertFormat(
            Made.Series(10, i => i, i => (float)Math.Sqrt(i + 100)),
            "010A00000100021180808080808080A4800180808080020BBC9206AC57356B63A93B6355271D0000"
        );

    [Fact]
    public void The_format_of_mixed_kinds_and_outliers_stays_as_it_is()
    {
        var series = new SeriesColumns();
        for (var i = 0; i < 20; i++)
            series.Append(i + (i > 10 ? 1_000 : 0), TelemetryValueKind.Long, i % 3, TelemetryQuality.Good);
        series.Append(2_000, TelemetryValueKind.Double, BitConverter.DoubleToInt64Bits(-0.0), TelemetryQuality.Uncertain);
        series.Append(2_001, TelemetryValueKind.Bool, 1, TelemetryQuality.Bad);
        series.AppendText(2_002, TelemetryValueKind.Text, "on"u8, TelemetryQuality.Late);
        series.AppendText(2_003, TelemetryValueKind.Json, "[1]"u8, TelemetryQuality.Substituted);
        AssertFormat(
            series,
            "01180F011400010201030104010014010102010801040100018002020AD00F13A80F10000000000000008000010203CFF33CCF330101070002036F6E5B315D"
        );
    }

    [Fact]
    public void Reuse_allocates_nothing()
    {
        var series = Made.Series(1_440, Made.Jittered(), Made.RandomWalk(0.01));
        for (var i = 0; i < 3; i++)
            Assert.True(_decoder.TryDecode(_encoder.Encode(series), 1_440, 0, _read));
        var before = GC.GetAllocatedBytesForCurrentThread();
        _ = _decoder.TryDecode(_encoder.Encode(series), 1_440, 0, _read);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private void AssertFormat(SeriesColumns series, string hex)
    {
        Assert.Equal(hex, Convert.ToHexString(_encoder.Encode(series)), StringComparer.Ordinal);
        Assert.True(_decoder.TryDecode(Convert.FromHexString(hex), AnySeries.MaxPoints, AnySeries.MaxTextBytes, _read));
        Assert.True(AnySeries.AreEqual(series, _read));
    }

    private bool IsWithinLimits()
    {
        if (_read.Count > 1_000)
            return false;
        for (var i = 0; i < _read.Count; i++)
        {
            if (i > 0 && _read.Times[i] <= _read.Times[i - 1])
                return false;
            if (SeriesColumns.IsText(_read.Kinds[i]) && _read.GetUtf8(i).Length > 10_000)
                return false;
        }

        return true;
    }
}
