using CsCheck;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Encoding;

public sealed class RoundTripTests
{
    [Fact]
    public void Every_variant_reads_back_as_it_was_written() =>
        AnyValue.Seed.Sample(
            seed =>
            {
                var value = new AnyValue(seed).Variant();
                var bytes = Wire.Of((ref UaWriter writer) => writer.Variant(value));
                var read = Wire.Whole(bytes, (ref UaReader reader) => reader.Variant());
                Assert.Equal(bytes, Wire.Of((ref UaWriter writer) => writer.Variant(read)));
                Assert.True(value.Equals(read));
            },
            iter: 5000
        );

    [Fact]
    public void Skipping_a_value_ends_where_reading_it_ends() =>
        AnyValue.Seed.Sample(
            seed =>
            {
                var value = new AnyValue(seed).Variant();
                var bytes = Wire.Of(
                    (ref UaWriter writer) =>
                    {
                        writer.Variant(value);
                        writer.DataValue(new DataValue(value, default, 5));
                    }
                );
                Wire.Whole(
                    bytes,
                    (ref UaReader reader) =>
                    {
                        reader.SkipVariant();
                        reader.SkipDataValue();
                        return 0;
                    }
                );
            },
            iter: 5000
        );

    [Fact]
    public void Every_structure_reads_back_as_it_was_written() =>
        Gen.Select(Gen.Int[0, AnyValue.StructureTypes.Count - 1], AnyValue.Seed)
            .Sample(
                (index, seed) =>
                {
                    var type = AnyValue.StructureTypes[index];
                    var bytes = AnyStructure.Encode(new AnyValue(seed).Structure(type));
                    Assert.Equal(bytes, AnyStructure.Of(type).Reencode(bytes));
                },
                iter: 10_000
            );

    [Fact]
    public void Structures_are_at_least_as_long_as_they_say() =>
        Assert.All(
            AnyValue.StructureTypes,
            type =>
            {
                var shortest = Enumerable.Range(0, 50).Min(seed => AnyStructure.Encode(new AnyValue(seed).Structure(type)).Length);
                Assert.InRange(shortest, AnyStructure.Of(type).MinimumEncodedBytes, int.MaxValue);
            }
        );

    [Fact]
    public void A_message_is_the_same_in_whatever_pieces_the_output_takes_it() =>
        Gen.Select(Gen.Int[0, AnyValue.StructureTypes.Count - 1], AnyValue.Seed, Gen.Int[16, 64])
            .Sample(
                (index, seed, piece) =>
                {
                    var structure = new AnyValue(seed).Structure(AnyValue.StructureTypes[index]);
                    var output = new PiecewiseOutput(piece);
                    var writer = new UaWriter(output);
                    structure.Encode(ref writer);
                    writer.Flush();
                    Assert.Equal(Wire.Of((ref UaWriter whole) => structure.Encode(ref whole)), output.Written);
                },
                iter: 2000
            );

    [Fact]
    public void An_output_that_is_full_fails_the_writer_and_takes_no_more()
    {
        using var output = new PooledOutput(maxBytes: 100);
        var writer = new UaWriter(output);
        for (var i = 0; i < 100; i++)
            writer.Int64(i);
        Assert.Equal(StatusCodes.BadResponseTooLarge, writer.Status);
        writer.String("more");
        writer.ByteString(new byte[1000]);
        writer.Flush();
        Assert.InRange(output.Length, 90, 100);
    }

    [Fact]
    public void A_known_structure_in_an_extension_object_can_be_taken_out()
    {
        var filter = new DataChangeFilter
        {
            Trigger = DataChangeTrigger.StatusValue,
            DeadbandType = 1,
            DeadbandValue = 2.5,
        };
        var bytes = Wire.Of((ref UaWriter writer) => writer.ExtensionObject(filter));
        var value = Wire.Whole(bytes, (ref UaReader reader) => reader.ExtensionObject());
        Assert.True(value.TryGet<DataChangeFilter>(EncodingLimits.Default, out var read));
        Assert.Equal(2.5, read.DeadbandValue);
        Assert.False(value.TryGet<EventFilter>(EncodingLimits.Default, out _));

        var reader = new UaReader(bytes, EncodingLimits.Default);
        Assert.Equal(2.5, reader.Structure<DataChangeFilter>(reader.ExtensionObjectView())!.DeadbandValue);
    }
}
