using System.Globalization;
using CsCheck;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Encoding;

/// <summary>Set IIOT_OPCUA_FUZZ to the number of messages for a long run.</summary>
public sealed class HostileMessageTests
{
    private static readonly int Messages = int.Parse(
        Environment.GetEnvironmentVariable("IIOT_OPCUA_FUZZ") ?? "20000",
        CultureInfo.InvariantCulture
    );

    [Fact]
    public void Whatever_comes_is_read_or_refused_within_the_limits()
    {
        var types = AnyValue.StructureTypes.Select(AnyStructure.Of).ToArray();
        var limits = EncodingLimits.Default with { MaxDecodedBytes = 1 << 20 };
        var random = new Random(1);
        var before = GC.GetAllocatedBytesForCurrentThread();
        long inRuns = 0;
        for (var i = 0; i < Messages; i++)
        {
            var index = random.Next(types.Length);
            var bytes = AnyStructure.Encode(new AnyValue(random.Next()).Structure(AnyValue.StructureTypes[index]));
            Mutate(random, ref bytes);

            var start = GC.GetAllocatedBytesForCurrentThread();
            var status = types[index].Read(bytes, limits, out var structure);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - start, 0, 8 << 20);
            inRuns += GC.GetAllocatedBytesForCurrentThread() - start;
            if (status.IsGood)
                types[index].Reencode(AnyStructure.Encode(structure));
            else
                Assert.Contains(status, new[] { StatusCodes.BadDecodingError, StatusCodes.BadEncodingLimitsExceeded });
        }

        Assert.InRange(inRuns, 1, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Nothing_remains_after_a_fault() =>
        Gen
            .Byte.Array[0, 60]
            .Sample(bytes =>
            {
                var reader = new UaReader(bytes, EncodingLimits.Default);
                reader.Fail(StatusCodes.BadDecodingError);
                Assert.Equal(0, reader.Remaining);
                Assert.Equal(0, reader.ArrayLength(1));
                Assert.Equal(0ul, reader.UInt64());
                Assert.Null(reader.String());
                Assert.True(reader.NodeId().IsNull);
                Assert.True(reader.Variant().IsNull);
                Assert.False(reader.Enter());
                reader.Fail(StatusCodes.BadEncodingLimitsExceeded);
                Assert.Equal(StatusCodes.BadDecodingError, reader.Status);
            });

    [Theory]
    [InlineData(100, true)]
    [InlineData(101, false)]
    [InlineData(1_000_000, false)]
    public void Variants_nest_a_hundred_deep_and_no_deeper(int depth, bool good)
    {
        // Arrays of one variant, with a number or nothing at the bottom.
        var bytes = new byte[depth * 5];
        for (var i = 0; i < depth; i++)
            (bytes[i * 5], bytes[i * 5 + 1]) = (0x98, 1);
        bytes = [.. bytes, 0];
        Assert.Equal(
            good ? StatusCodes.Good : StatusCodes.BadEncodingLimitsExceeded,
            Wire.StatusOf(bytes, (ref UaReader reader) => reader.Variant())
        );
        Assert.Equal(
            good,
            Wire.StatusOf(
                bytes,
                (ref UaReader reader) =>
                {
                    reader.SkipVariant();
                    return 0;
                }
            ).IsGood
        );
    }

    [Theory]
    [InlineData(99, true)]
    [InlineData(100, false)]
    [InlineData(1_000_000, false)]
    public void Diagnostic_infos_nest_a_hundred_deep_and_no_deeper(int depth, bool good)
    {
        byte[] bytes = [.. Enumerable.Repeat((byte)0x40, depth), 0];
        Assert.Equal(good, Wire.StatusOf(bytes, (ref UaReader reader) => reader.DiagnosticInfo()).IsGood);
    }

    [Theory]
    [InlineData(50, true)]
    [InlineData(51, false)]
    [InlineData(500_000, false)]
    public void Data_values_in_variants_share_the_one_budget(int depth, bool good)
    {
        byte[] bytes = [.. Enumerable.Repeat<byte[]>([0x17, 0x01], depth).SelectMany(pair => pair), 0];
        Assert.Equal(good, Wire.StatusOf(bytes, (ref UaReader reader) => reader.Variant()).IsGood);
    }

    [Fact]
    public void A_length_is_believed_only_as_far_as_bytes_are_there()
    {
        byte[] bytes = [0xff, 0xff, 0, 0, .. new byte[100]];
        var before = GC.GetAllocatedBytesForCurrentThread();
        var reader = new UaReader(bytes, EncodingLimits.Default);
        reader.Array<double, Elements.Double>();
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal(StatusCodes.BadDecodingError, reader.Status);
        Assert.Equal(0, allocated);
    }

    [Fact]
    public void Lengths_beyond_the_limits_are_refused()
    {
        var limits = new EncodingLimits
        {
            MaxStringBytes = 4,
            MaxByteStringBytes = 5,
            MaxArrayLength = 3,
        };
        Assert.Equal(
            StatusCodes.BadEncodingLimitsExceeded,
            Wire.StatusOf([5, 0, 0, 0, 1, 2, 3, 4, 5], (ref UaReader reader) => reader.String(), limits)
        );
        Assert.Equal(
            StatusCodes.Good,
            Wire.StatusOf([5, 0, 0, 0, 1, 2, 3, 4, 5], (ref UaReader reader) => reader.ByteStringArray(), limits)
        );
        Assert.Equal(
            StatusCodes.BadEncodingLimitsExceeded,
            Wire.StatusOf([4, 0, 0, 0, 1, 2, 3, 4], (ref UaReader reader) => reader.Array<byte, Elements.Byte>(), limits)
        );
    }

    [Fact]
    public void A_small_message_does_not_become_a_large_one()
    {
        // 60 000 null variants in each of twenty arrays: one byte each on the wire, 24 in memory.
        byte[] one = [0x98, 0x60, 0xea, 0, 0, .. new byte[60_000]];
        byte[] bytes = [0x98, 20, 0, 0, 0, .. Enumerable.Repeat(one, 20).SelectMany(part => part)];
        Assert.Equal(StatusCodes.BadEncodingLimitsExceeded, Wire.StatusOf(bytes, (ref UaReader reader) => reader.Variant()));
        Assert.Equal(
            StatusCodes.Good,
            Wire.StatusOf(
                bytes,
                (ref UaReader reader) =>
                {
                    reader.SkipVariant();
                    return 0;
                }
            )
        );
    }

    private static void Mutate(Random random, ref byte[] bytes)
    {
        if (bytes.Length == 0)
            return;
        for (var changes = random.Next(4); changes > 0; changes--)
        {
            var at = random.Next(bytes.Length);
            switch (random.Next(5))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    bytes = bytes[..Math.Max(at, 1)];
                    break;
                case 3 when at + 4 <= bytes.Length:
                    BitConverter.TryWriteBytes(
                        bytes.AsSpan(at),
                        random.Next(3) switch
                        {
                            0 => int.MaxValue,
                            1 => 65535,
                            _ => random.Next(300),
                        }
                    );
                    break;
                default:
                    bytes = [.. bytes[..at], .. bytes[random.Next(bytes.Length)..]];
                    if (bytes.Length == 0)
                        bytes = [0];
                    break;
            }
        }
    }
}
