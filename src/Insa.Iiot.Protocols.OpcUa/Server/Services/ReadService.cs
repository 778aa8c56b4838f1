using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Server.Services;

/// <summary>Read (OPC 10000-4 §5.10.2). Values of telemetry go from their columns into the response, without an object in between.</summary>
internal sealed class ReadService(SessionSpaces spaces, TimeProvider time) : IServiceModule
{
    private const int LeastBytes = 2 + 4 + 4 + 6;

    public void Register(ServiceTable table) => table.Add(EncodingIds.ReadRequest, spaces.In(Read));

    private void Read(SessionSpace space, RequestContext context, ref UaReader reader)
    {
        var maxAge = reader.Double();
        var timestamps = (TimestampsToReturn)reader.Int32();
        var count = reader.ArrayLength(LeastBytes);
        if (Check(reader, count, maxAge, timestamps) is { IsGood: false } fault)
        {
            context.Fault(fault);
            return;
        }

        // Values are as new as the last commit, so any age will do.
        var now = timestamps is TimestampsToReturn.Server or TimestampsToReturn.Both ? time.GetUaTicks() : 0;
        var wantsSource = timestamps is TimestampsToReturn.Source or TimestampsToReturn.Both;
        var user = space.User;
        var writer = context.Begin(EncodingIds.ReadResponse);
        writer.ArrayLength(count);
        for (; count > 0; count--)
        {
            var id = reader.NodeId();
            var attribute = (AttributeId)reader.UInt32();
            var range = reader.Utf8String();
            var encoding = reader.QualifiedNameUtf8(out var encodingNamespace);
            if (!reader.Status.IsGood)
            {
                context.Fault(reader.Status);
                return;
            }

            var status = space.Find(id, out var node);
            if (status.IsGood && node.Kind == NodeKind.Metric && attribute == AttributeId.Value && range.IsEmpty && encoding.IsEmpty)
            {
                if (user.MayRead(node))
                    DataValueWriter.Write(ref writer, node.Device.Read(node.Slot), wantsSource, now);
                else
                    DataValueWriter.Write(ref writer, StatusCodes.BadUserAccessDenied, now);
                continue;
            }

            if (status.IsGood)
                status = DataEncodings.Check(encoding, encodingNamespace, attribute);
            if (status.IsGood)
                WriteAttribute(ref writer, space, node, attribute, range, wantsSource, now);
            else
                DataValueWriter.Write(ref writer, status, now);
        }

        writer.NullArray();
        context.End(ref writer);
    }

    private static void WriteAttribute(
        ref UaWriter writer,
        SessionSpace space,
        in NodeHandle node,
        AttributeId attribute,
        ReadOnlySpan<byte> rangeText,
        bool wantsSource,
        long now
    )
    {
        if (!IndexRanges.TryParse(rangeText, out var range))
        {
            DataValueWriter.Write(ref writer, StatusCodes.BadIndexRangeInvalid, now);
            return;
        }

        var value = space.Space.Read(node, attribute, space.User);
        if (!range.IsNone && !value.Status.IsBad)
        {
            var status = range.Apply(value.Value, out var part);
            value = status.IsGood ? value with { Value = part } : DataValue.Of(status);
        }

        writer.DataValue(value with { SourceTimestamp = wantsSource ? value.SourceTimestamp : 0, ServerTimestamp = now });
    }

    private static StatusCode Check(in UaReader reader, int count, double maxAge, TimestampsToReturn timestamps)
    {
        var status = ServiceRules.Check(reader, count, OperationLimits.NodesPerRead);
        if (!reader.Status.IsGood)
            return status;
        if (!(maxAge >= 0))
            return StatusCodes.BadMaxAgeInvalid;
        return timestamps is < TimestampsToReturn.Source or > TimestampsToReturn.Neither
            ? StatusCodes.BadTimestampsToReturnInvalid
            : status;
    }
}
