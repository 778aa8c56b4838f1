using CsCheck;
using Insa.Iiot.Storage.Sqlite.Telemetry;

namespace Insa.Iiot.Storage.Sqlite.Tests;

public sealed class FrameCodecTests
{
    [Fact]
    public void No_blob_makes_reading_throw_or_read_past_its_end() =>
        Gen.Select(Gen.Int[0, 2], Gen.Byte.Array[0, 64], Gen.Int[0, 5])
            .Sample(
                (format, blob, count) =>
                {
                    var values = new TelemetryValue[count];
                    var read = FrameCodec.TryRead(format, blob, values);
                    return !read || format != FrameCodec.Doubles || blob.Length == count * sizeof(double);
                }
            );

    [Theory]
    [InlineData(0, 0)]
    [InlineData(9, 0)]
    [InlineData(10, 1)]
    [InlineData(-1, -1)]
    [InlineData(-10, -1)]
    [InlineData(-11, -2)]
    public void Times_are_kept_to_the_microsecond_below(long ticks, long microseconds) =>
        Assert.Equal(microseconds, MicrosecondTime.FromTicks(DateTime.UnixEpoch.Ticks + ticks));

    [Fact]
    public void A_whole_microsecond_reads_back_as_it_was_written() =>
        Gen.Long[-62_000_000_000_000_000, 250_000_000_000_000_000]
            .Sample(microseconds =>
            {
                var time = MicrosecondTime.ToDateTime(microseconds);
                return MicrosecondTime.FromTicks(time.Ticks) == microseconds && MicrosecondTime.Ceiling(time) == microseconds;
            });
}
