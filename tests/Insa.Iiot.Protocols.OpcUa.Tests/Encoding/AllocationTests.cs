using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Encoding;

public sealed class AllocationTests
{
    [Fact]
    public void Reading_and_writing_scalars_and_ids_allocates_nothing()
    {
        var known = new Dictionary<NodeId, int>(NodeIdComparer.Instance) { [NodeId.OfString(2, "pump/speed")] = 7 };
        using var output = new PooledOutput();
        Once();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
            Once();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Once()
        {
            output.Clear();
            var writer = new UaWriter(output);
            writer.NodeId(85);
            writer.NodeId(new NodeIdView(2, NodeIdType.String, "pump/speed"u8));
            writer.DataValue(new DataValue(Variant.Of(1.5), StatusCodes.UncertainInitialValue, 1000, 2000));
            writer.Utf8String("text"u8);
            writer.LocalizedText("text"u8);
            writer.Variant(Variant.Of(true));
            writer.Flush();

            var reader = new UaReader(output.WrittenSpan, EncodingLimits.Default);
            var right = reader.NodeId().Is(85);
            right &= known.GetAlternateLookup<NodeIdView>().TryGetValue(reader.NodeId(), out var found) && found == 7;
            right &= reader.DataValue().Value.TryGetNumber(out _);
            right &= reader.Utf8String().SequenceEqual("text"u8);
            right &= reader.Byte() == 2 && reader.Utf8String().SequenceEqual("text"u8);
            right &= reader.Variant().Boolean && reader.Remaining == 0;
            if (!right)
                throw new InvalidOperationException("What was read is not what was written.");
        }
    }
}
