using CsCheck;
using Insa.Iiot.Storage.Postgres.Rollups;

namespace Insa.Iiot.Storage.Postgres.Tests;

public sealed class MinuteCodecTests
{
    private const long Hour = 820_000_000_000L * 1000;

    private static readonly Gen<long> AnyOffset = Gen.OneOf(
        Gen.Long[0, MinuteCodec.PerMinute - 1],
        Gen.Long[0, 59].Select(s => s * 1_000_000)
    );

    private static readonly Gen<(int Minute, int Quality, RollupStats Stats)> AnyEntry =
        from minute in Gen.Int[0, 59]
        from quality in Gen.Int[0, 2]
        from count in Gen.OneOf(Gen.Const(1L), Gen.Long[2, long.MaxValue])
        from first in AnyOffset
        from last in AnyOffset
        from values in Gen.Double.Array[6]
        let start = Hour + (minute * MinuteCodec.PerMinute)
        select (
            minute,
            quality,
            count == 1
                ? RollupStats.Of(start + first, values[0])
                : new RollupStats
                {
                    Count = count,
                    Sum = values[0],
                    SumOfSquares = values[1],
                    Min = values[2],
                    Max = values[3],
                    First = values[4],
                    Last = values[5],
                    FirstTime = start + first,
                    LastTime = start + last,
                }
        );

    [Fact]
    public void Every_entry_reads_back_as_it_was_written() =>
        AnyEntry
            .Array[0, 180]
            .Sample(entries =>
            {
                var bytes = new byte[entries.Length * MinuteCodec.MostBytesPerEntry];
                var length = 0;
                foreach (var (minute, quality, stats) in entries)
                    length += MinuteCodec.Write(bytes.AsSpan(length), Hour + (minute * MinuteCodec.PerMinute), minute, quality, stats);
                ReadOnlySpan<byte> left = bytes.AsSpan(0, length);
                foreach (var entry in entries)
                {
                    Assert.True(MinuteCodec.TryRead(ref left, Hour, out var minute, out var quality, out var stats));
                    Assert.Equal(entry, (minute, quality, stats));
                }

                Assert.True(left.IsEmpty);
            });

    [Fact]
    public void No_bytes_make_it_throw_or_read_on() =>
        Gen
            .Byte.Array[0, 80]
            .Sample(bytes =>
            {
                ReadOnlySpan<byte> left = bytes;
                while (true)
                {
                    var before = left.Length;
                    if (!MinuteCodec.TryRead(ref left, Hour, out var minute, out var quality, out var stats))
                        break;
                    Assert.True(left.Length < before && minute < 60 && quality < 3 && stats.Count > 0);
                }
            });

    [Fact]
    public void One_point_of_a_whole_second_takes_eleven_bytes()
    {
        var bytes = new byte[MinuteCodec.MostBytesPerEntry];
        Assert.Equal(11, MinuteCodec.Write(bytes, Hour, 0, 0, RollupStats.Of(Hour + 59_000_000, 1.5)));
    }
}
