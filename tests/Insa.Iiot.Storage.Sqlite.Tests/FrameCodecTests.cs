using System.Text;
using CsCheck;
using Insa.Iiot.Conformance;
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

    [Fact]
    public void Every_frame_reads_back_as_it_was_written() =>
        Gen.OneOf(
                Gen.Double.Where(double.IsFinite).Select(TelemetryValue.Of),
                Gen.Long.Select(TelemetryValue.Of),
                Gen.Bool.Select(TelemetryValue.Of),
                Gen.String[Gen.Char['\u0020', '\uD7FF'], 0, 50].Select(TelemetryValue.OfText)
            )
            .Array[1, 20]
            .Sample(values =>
            {
                using var writer = new BatchWriter();
                writer.Add(TenantId.Parse("plant"), DeviceId.Parse("press"), DateTime.UnixEpoch.AddDays(1), frame => Write(frame, values));
                var frame = writer.Batch.Chunks[0][0];
                var blob = new byte[FrameCodec.SizeOf(frame, out var format)];
                FrameCodec.Write(frame, format, blob);
                var read = new TelemetryValue[values.Length];
                return FrameCodec.TryRead(format, blob, read) && read.SequenceEqual(values);
            });

    private static void Write(TelemetryFrameWriter frame, TelemetryValue[] values)
    {
        for (var i = 0; i < values.Length; i++)
        {
            var name = Encoding.UTF8.GetBytes($"m{i}");
            _ = values[i].Kind switch
            {
                TelemetryValueKind.Double => frame.AddDouble(name, values[i].AsDouble()),
                TelemetryValueKind.Long => frame.AddLong(name, values[i].AsLong()),
                TelemetryValueKind.Bool => frame.AddBool(name, values[i].AsBool()),
                _ => frame.AddText(name, Encoding.UTF8.GetBytes(values[i].AsText())),
            };
        }
    }

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
