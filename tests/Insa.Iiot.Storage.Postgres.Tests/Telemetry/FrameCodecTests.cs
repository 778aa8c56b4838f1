using System.Text;
using CsCheck;
using Insa.Iiot.Conformance;
using Insa.Iiot.Storage.Postgres.Telemetry;

namespace Insa.Iiot.Storage.Postgres.Tests.Telemetry;

public sealed class FrameCodecTests
{
    private static readonly Gen<TelemetryQuality> AnyQuality = Gen.Byte.Select(quality => (TelemetryQuality)quality);

    private static readonly Gen<TelemetryValue> AnyValue = Gen.OneOf(
        Gen.Double.Where(double.IsFinite).Select(TelemetryValue.Of),
        Gen.Long.Select(TelemetryValue.Of),
        Gen.Bool.Select(TelemetryValue.Of),
        Gen.String[Gen.Char['\u0020', '\uD7FF'], 0, 50].Select(TelemetryValue.OfText),
        Gen.Int.Select(number => TelemetryValue.OfJson($"[{number}]"))
    );

    [Fact]
    public void Every_frame_reads_back_as_it_was_written() =>
        Gen.Select(AnyValue, AnyQuality)
            .Array[1, 20]
            .Sample(values =>
            {
                using var writer = new BatchWriter();
                writer.Add(TenantId.Parse("plant"), DeviceId.Parse("press"), DateTime.UnixEpoch.AddDays(1), frame => Write(frame, values));
                var frame = writer.Batch.Chunks[0][0];
                var (vals, extra) = (new byte[frame.Count * FrameCodec.ValueBytes], new byte[FrameCodec.SizeOfExtra(frame)]);
                FrameCodec.Write(frame, vals, extra);
                return FrameCodec.IsWhole(vals, extra, values.Length) && ReadAll(vals, extra, values.Length).SequenceEqual(values);
            });

    [Fact]
    public void Doubles_that_are_all_good_take_no_second_column()
    {
        using var writer = new BatchWriter();
        writer.Add(TenantId.Parse("plant"), DeviceId.Parse("press"), DateTime.UnixEpoch.AddDays(1), frame => frame.AddDouble("n"u8, 1));
        Assert.Equal(0, FrameCodec.SizeOfExtra(writer.Batch.Chunks[0][0]));
    }

    [Fact]
    public void No_columns_that_pass_as_whole_make_reading_throw() =>
        Gen.Select(Gen.Int[0, 4], Gen.Byte.Array[0, 40], Gen.Byte[0, 6].Array[0, 24])
            .Sample(
                (count, vals, extra) =>
                {
                    if (FrameCodec.IsWhole(vals, extra, count))
                        ReadAll(vals, extra, count);
                }
            );

    [Fact]
    public void No_place_of_a_text_that_passes_as_whole_lies_outside() =>
        Gen.Select(Gen.Int[1, 3], Gen.OneOf(Gen.Int, Gen.Int[-1, 12]), Gen.OneOf(Gen.Int, Gen.Int[-1, 12]), Gen.Int[0, 12])
            .Sample(
                (count, offset, length, texts) =>
                {
                    var vals = new byte[count * FrameCodec.ValueBytes];
                    for (var i = 0; i < count; i++)
                    {
                        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(vals.AsSpan(i * 8), offset);
                        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(vals.AsSpan((i * 8) + 4), length);
                    }

                    var extra = new byte[(2 * count) + texts];
                    extra.AsSpan(0, count).Fill((byte)TelemetryValueKind.Text);
                    var isInside = offset >= 0 && length >= 0 && (long)offset + length <= texts;
                    if (FrameCodec.IsWhole(vals, extra, count) != isInside)
                        return false;
                    if (isInside)
                        ReadAll(vals, extra, count);
                    return true;
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
        Assert.Equal(microseconds, PostgresTime.FromTicks(new DateTime(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc).Ticks + ticks));

    [Fact]
    public void A_whole_microsecond_reads_back_as_it_was_written() =>
        Gen.Long[-63_000_000_000_000_000, 252_000_000_000_000_000]
            .Sample(microseconds =>
            {
                var time = PostgresTime.ToDateTime(microseconds);
                return PostgresTime.FromTicks(time.Ticks) == microseconds && PostgresTime.Ceiling(time) == microseconds;
            });

    private static List<(TelemetryValue, TelemetryQuality)> ReadAll(byte[] vals, byte[] extra, int count)
    {
        var all = new List<(TelemetryValue, TelemetryQuality)>();
        for (var i = 0; i < count; i++)
        {
            var (kind, bits, quality) = FrameCodec.Read(vals, extra, count, i);
            var text = kind is TelemetryValueKind.Text or TelemetryValueKind.Json ? FrameCodec.TextOf(extra, count, bits) : default;
            all.Add((FrameCodec.ValueOf(kind, bits, text), quality));
        }

        return all;
    }

    private static void Write(TelemetryFrameWriter frame, (TelemetryValue Value, TelemetryQuality Quality)[] values)
    {
        for (var i = 0; i < values.Length; i++)
        {
            var (name, value, quality) = (Encoding.UTF8.GetBytes($"m{i}"), values[i].Value, values[i].Quality);
            _ = value.Kind switch
            {
                TelemetryValueKind.Double => frame.AddDouble(name, value.AsDouble(), quality),
                TelemetryValueKind.Long => frame.AddLong(name, value.AsLong(), quality),
                TelemetryValueKind.Bool => frame.AddBool(name, value.AsBool(), quality),
                TelemetryValueKind.Text => frame.AddText(name, Encoding.UTF8.GetBytes(value.AsText()), quality),
                _ => frame.AddJson(name, Encoding.UTF8.GetBytes(value.AsText()), quality),
            };
        }
    }
}
