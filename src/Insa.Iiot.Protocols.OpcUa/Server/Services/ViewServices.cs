using System.Buffers;
using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Server.Services;

/// <summary>Browse, BrowseNext, RegisterNodes and UnregisterNodes (OPC 10000-4 §5.8).</summary>
internal sealed class ViewServices(SessionSpaces spaces) : IServiceModule
{
    public void Register(ServiceTable table)
    {
        table.Add(EncodingIds.BrowseRequest, spaces.In(Browse));
        table.Add(EncodingIds.BrowseNextRequest, spaces.In(BrowseNext));
        table.Add(EncodingIds.RegisterNodesRequest, RegisterNodes);
        table.Add(EncodingIds.UnregisterNodesRequest, UnregisterNodes);
    }

    private static void Browse(SessionSpace space, RequestContext context, ref UaReader reader)
    {
        const int leastBytes = 2 + 4 + 2 + 1 + 4 + 4;
        var view = reader.NodeId();
        reader.DateTime();
        reader.UInt32();
        var maxReferences = reader.UInt32();
        var count = reader.ArrayLength(leastBytes);
        if (ServiceRules.Check(reader, count, OperationLimits.NodesPerBrowse) is { IsGood: false } fault)
        {
            context.Fault(fault);
            return;
        }

        // There are no views here.
        if (!view.IsNull)
        {
            context.Fault(StatusCodes.BadViewIdUnknown);
            return;
        }

        var writer = context.Begin(EncodingIds.BrowseResponse);
        writer.ArrayLength(count);
        var left = OperationLimits.ReferencesPerBrowse;
        for (; count > 0; count--)
        {
            var status = ReadDescription(space, ref reader, maxReferences, out var point);
            if (!reader.Status.IsGood)
                break;
            if (status.IsGood)
                WriteResult(space, context, ref writer, point, ref left);
            else
                WriteFailure(ref writer, status);
        }

        End(context, reader, ref writer);
    }

    private static void BrowseNext(SessionSpace space, RequestContext context, ref UaReader reader)
    {
        var isRelease = reader.Boolean();
        var count = reader.ArrayLength(sizeof(int));
        if (ServiceRules.Check(reader, count, OperationLimits.NodesPerBrowse) is { IsGood: false } fault)
        {
            context.Fault(fault);
            return;
        }

        var writer = context.Begin(EncodingIds.BrowseNextResponse);
        writer.ArrayLength(count);
        var left = OperationLimits.ReferencesPerBrowse;
        for (; count > 0; count--)
        {
            var id = reader.ByteString();
            if (!reader.Status.IsGood)
                break;
            if (!space.BrowsePoints.TryTake(id, out var point))
                WriteFailure(ref writer, StatusCodes.BadContinuationPointInvalid);
            else if (isRelease)
                WriteFailure(ref writer, StatusCodes.Good);
            else if (point.Node.Owner?.IsRemoved == true)
                WriteFailure(ref writer, StatusCodes.BadNodeIdUnknown);
            else
                WriteResult(space, context, ref writer, point, ref left);
        }

        End(context, reader, ref writer);
    }

    // Ids are fast as they are: what is registered is the id itself.
    private static void RegisterNodes(RequestContext context, ref UaReader reader)
    {
        var count = reader.ArrayLength(2);
        if (ServiceRules.Check(reader, count, OperationLimits.NodesPerRegister) is { IsGood: false } fault)
        {
            context.Fault(fault);
            return;
        }

        var writer = context.Begin(EncodingIds.RegisterNodesResponse);
        writer.ArrayLength(count);
        for (; count > 0; count--)
        {
            var id = reader.NodeId();
            if (reader.Status.IsGood && SessionSpace.IsInvalid(id))
            {
                context.Fault(StatusCodes.BadNodeIdInvalid);
                return;
            }

            writer.NodeId(id);
        }

        if (reader.Status.IsGood)
            context.End(ref writer);
        else
            context.Fault(reader.Status);
    }

    private static void UnregisterNodes(RequestContext context, ref UaReader reader)
    {
        var count = reader.ArrayLength(2);
        if (ServiceRules.Check(reader, count, OperationLimits.NodesPerRegister) is { IsGood: false } fault)
        {
            context.Fault(fault);
            return;
        }

        for (; count > 0; count--)
            reader.NodeId();
        if (!reader.Status.IsGood)
        {
            context.Fault(reader.Status);
            return;
        }

        var writer = context.Begin(EncodingIds.UnregisterNodesResponse);
        context.End(ref writer);
    }

    private static StatusCode ReadDescription(SessionSpace space, ref UaReader reader, uint maxReferences, out BrowsePoint point)
    {
        var status = space.Find(reader.NodeId(), out var node);
        var direction = (BrowseDirection)reader.Int32();
        var typeId = reader.NodeId();
        var includeSubtypes = reader.Boolean();
        var classMask = reader.UInt32();
        var resultMask = reader.UInt32();
        var most = maxReferences is > 0 and < OperationLimits.ReferencesPerNode ? (int)maxReferences : OperationLimits.ReferencesPerNode;
        point = new BrowsePoint(node, direction, -1, includeSubtypes, classMask, resultMask, most, default);
        if (!status.IsGood)
            return status;
        if (direction is < BrowseDirection.Forward or > BrowseDirection.Both)
            return StatusCodes.BadBrowseDirectionInvalid;
        if (typeId.IsNull)
            return StatusCodes.Good;
        if (!space.Space.TryFind(typeId, out var type) || space.Space.ClassOf(type) != NodeClass.ReferenceType)
            return StatusCodes.BadReferenceTypeIdInvalid;
        point = point with { ReferenceType = type.Declaration };
        return StatusCodes.Good;
    }

    // How many there are is written before them, and what there is may change meanwhile: they are found first.
    private static void WriteResult(SessionSpace space, RequestContext context, ref UaWriter writer, in BrowsePoint point, ref int left)
    {
        var found = ArrayPool<NodeReference>.Shared.Rent(Math.Min(point.MaxReferences, 64));
        try
        {
            var position = point.Position;
            var before = position;
            var count = 0;
            var isMore = false;
            while (TryGetNext(space, point, ref position, out var reference))
            {
                if (count == point.MaxReferences || left == 0)
                {
                    isMore = true;
                    break;
                }

                if (count == found.Length)
                    found = Grow(found);
                found[count++] = reference;
                before = position;
                left--;
            }

            Span<byte> id = stackalloc byte[BrowsePoints.IdBytes];
            if (isMore && !space.BrowsePoints.TryAdd(context.RequestId, point with { Position = before }, id))
            {
                WriteFailure(ref writer, StatusCodes.BadNoContinuationPoints);
                return;
            }

            writer.StatusCode(StatusCodes.Good);
            if (isMore)
                writer.ByteString(id);
            else
                writer.NullString();
            writer.ArrayLength(count);
            for (var i = 0; i < count; i++)
                WriteReference(space.Space, ref writer, found[i], point.ResultMask);
        }
        finally
        {
            ArrayPool<NodeReference>.Shared.Return(found, clearArray: true);
        }
    }

    private static bool TryGetNext(SessionSpace space, in BrowsePoint point, ref ReferencePosition position, out NodeReference reference)
    {
        while (space.Space.TryGetNext(point.Node, ref position, out reference))
        {
            if (point.Direction != BrowseDirection.Both && reference.IsForward != (point.Direction == BrowseDirection.Forward))
                continue;
            if (!Matches(space.Space.Nodes, point, reference.Type))
                continue;
            if (point.ClassMask != 0 && ((uint)space.Space.ClassOf(reference.Target) & point.ClassMask) == 0)
                continue;
            if (space.User.MaySee(reference.Target))
                return true;
        }

        return false;
    }

    private static bool Matches(StandardNodes nodes, in BrowsePoint point, int type) =>
        point.ReferenceType < 0 || type == point.ReferenceType || (point.IncludeSubtypes && nodes.IsTypeOf(type, point.ReferenceType));

    private static void WriteReference(TenantSpace space, ref UaWriter writer, in NodeReference reference, uint mask)
    {
        if ((mask & (uint)BrowseResultMask.ReferenceType) != 0)
            space.WriteNodeId(ref writer, new NodeHandle(NodeKind.Standard, reference.Type));
        else
            writer.NodeId(0);
        writer.Boolean((mask & (uint)BrowseResultMask.IsForward) != 0 && reference.IsForward);
        space.WriteNodeId(ref writer, reference.Target);
        if ((mask & (uint)BrowseResultMask.BrowseName) != 0)
            space.WriteBrowseName(ref writer, reference.Target);
        else
            writer.QualifiedName(default);
        if ((mask & (uint)BrowseResultMask.DisplayName) != 0)
            space.WriteDisplayName(ref writer, reference.Target);
        else
            writer.LocalizedText(default(LocalizedText));
        var nodeClass = space.ClassOf(reference.Target);
        writer.Int32((mask & (uint)BrowseResultMask.NodeClass) != 0 ? (int)nodeClass : 0);
        var hasType = (mask & (uint)BrowseResultMask.TypeDefinition) != 0 && nodeClass is NodeClass.Object or NodeClass.Variable;
        var type = hasType ? space.TypeDefinitionOf(reference.Target) : -1;
        if (type >= 0)
            space.WriteNodeId(ref writer, new NodeHandle(NodeKind.Standard, type));
        else
            writer.NodeId(0);
    }

    private static void WriteFailure(ref UaWriter writer, StatusCode status)
    {
        writer.StatusCode(status);
        writer.NullString();
        writer.NullArray();
    }

    private static void End(RequestContext context, in UaReader reader, ref UaWriter writer)
    {
        if (!reader.Status.IsGood)
        {
            context.Fault(reader.Status);
            return;
        }

        writer.NullArray();
        context.End(ref writer);
    }

    private static NodeReference[] Grow(NodeReference[] found)
    {
        var larger = ArrayPool<NodeReference>.Shared.Rent(found.Length * 2);
        found.AsSpan().CopyTo(larger);
        ArrayPool<NodeReference>.Shared.Return(found, clearArray: true);
        return larger;
    }
}
