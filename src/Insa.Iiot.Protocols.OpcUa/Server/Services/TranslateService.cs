using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Server.Services;

/// <summary>TranslateBrowsePathsToNodeIds (OPC 10000-4 §5.8.4).</summary>
internal sealed class TranslateService(SessionSpaces spaces) : IServiceModule
{
    private const int LeastBytes = 2 + 4;

    public void Register(ServiceTable table) => table.Add(EncodingIds.TranslateBrowsePathsToNodeIdsRequest, spaces.In(Translate));

    private static void Translate(SessionSpace space, RequestContext context, ref UaReader reader)
    {
        var count = reader.ArrayLength(LeastBytes);
        if (ServiceRules.Check(reader, count, OperationLimits.PathsPerTranslate) is { IsGood: false } fault)
        {
            context.Fault(fault);
            return;
        }

        var writer = context.Begin(EncodingIds.TranslateBrowsePathsToNodeIdsResponse);
        writer.ArrayLength(count);
        for (; count > 0; count--)
        {
            var status = Follow(space, ref reader, out var targets);
            if (!reader.Status.IsGood)
            {
                context.Fault(reader.Status);
                return;
            }

            writer.StatusCode(status);
            writer.ArrayLength(targets.Count);
            foreach (var target in targets)
            {
                space.Space.WriteNodeId(ref writer, target);
                writer.UInt32(uint.MaxValue);
            }
        }

        writer.NullArray();
        context.End(ref writer);
    }

    private static StatusCode Follow(SessionSpace space, ref UaReader reader, out List<NodeHandle> targets)
    {
        const int leastBytes = 2 + 1 + 1 + 6;
        targets = [];
        var status = space.Find(reader.NodeId(), out var start);
        var elements = reader.ArrayLength(leastBytes);
        if (status.IsGood && elements == 0)
            status = StatusCodes.BadNothingToDo;
        if (status.IsGood && elements > OperationLimits.PathElements)
            status = StatusCodes.BadTooManyOperations;
        List<NodeHandle> from = [start];
        for (; elements > 0; elements--)
        {
            var typeId = reader.NodeId();
            var isInverse = reader.Boolean();
            var includeSubtypes = reader.Boolean();
            var name = reader.QualifiedNameUtf8(out var nameNamespace);
            if (!reader.Status.IsGood)
                return reader.Status;
            if (status.IsGood && name.IsEmpty)
                status = StatusCodes.BadBrowseNameInvalid;
            if (!status.IsGood)
                continue;
            var type = -1;
            if (!typeId.IsNull && !TryFindType(space.Space, typeId, out type))
            {
                status = StatusCodes.BadNoMatch;
                continue;
            }

            var found = new List<NodeHandle>();
            foreach (var node in from)
                AddMatches(space, node, (type, includeSubtypes, !isInverse), nameNamespace, name, found);
            from = found;
            if (found.Count == 0)
                status = StatusCodes.BadNoMatch;
            else if (found.Count > OperationLimits.PathTargets)
                status = StatusCodes.BadResponseTooLarge;
        }

        if (status.IsGood)
            targets = from;
        return status;
    }

    private static bool TryFindType(TenantSpace space, NodeIdView id, out int type)
    {
        var isFound = space.TryFind(id, out var node) && space.ClassOf(node) == NodeClass.ReferenceType;
        type = node.Declaration;
        return isFound;
    }

    private static void AddMatches(
        SessionSpace session,
        in NodeHandle node,
        (int Type, bool IncludeSubtypes, bool IsForward) which,
        ushort nameNamespace,
        ReadOnlySpan<byte> name,
        List<NodeHandle> found
    )
    {
        var space = session.Space;
        var position = default(ReferencePosition);
        if (nameNamespace == TenantSpace.DevicesNamespace && which.IsForward && space.TryFindNamed(node, name, out var named))
        {
            // Of thousands of devices the one of that name, without passing by the others.
            if (Matches(space, which, named.Type) && session.User.MaySee(named.Target))
                found.Add(named.Target);
            return;
        }

        while (space.TryGetNext(node, ref position, out var reference) && found.Count <= OperationLimits.PathTargets)
        {
            // Devices are found above: their names are all of their own namespace.
            if (position.After is not null)
                return;
            if (
                reference.IsForward == which.IsForward
                && Matches(space, which, reference.Type)
                && space.BrowseNamespaceOf(reference.Target) == nameNamespace
                && space.BrowseNameOf(reference.Target).SequenceEqual(name)
                && session.User.MaySee(reference.Target)
                && !found.Contains(reference.Target)
            )
            {
                found.Add(reference.Target);
            }
        }
    }

    private static bool Matches(TenantSpace space, (int Type, bool IncludeSubtypes, bool IsForward) which, int type) =>
        which.Type < 0 || type == which.Type || (which.IncludeSubtypes && space.Nodes.IsTypeOf(type, which.Type));
}
