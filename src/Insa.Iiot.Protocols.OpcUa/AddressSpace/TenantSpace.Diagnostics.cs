using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>The nodes of diagnostics: of the tenant's own sessions and subscriptions, switched on and off by the tenant for itself.</summary>
internal sealed partial class TenantSpace
{
    private DiagnosticNodes? Diagnostics => _shared.Diagnostics;

    /// <summary>Whether it is a variable of the server's that a client may write.</summary>
    public bool IsSwitch(in NodeHandle node) => node.Kind == NodeKind.Standard && node.Declaration == Diagnostics?.EnabledFlag;

    /// <summary>Writes a variable for which <see cref="IsSwitch"/> holds.</summary>
    public StatusCode WriteSwitch(in DataValue written, bool isPart, SpaceUser user)
    {
        if (!user.MayAdminister)
            return StatusCodes.BadUserAccessDenied;
        if (isPart)
            return StatusCodes.BadIndexRangeNoData;
        if (written.Value.IsArray || written.Value.Type != BuiltInType.Boolean)
            return StatusCodes.BadTypeMismatch;
        if (written.ServerTimestamp != 0 || written.SourceTimestamp != 0 || !written.Status.IsGood)
            return StatusCodes.BadWriteNotSupported;
        Diagnostics!.SetEnabled(Tenant, written.Value.Boolean);
        return StatusCodes.Good;
    }

    // Part 5 §6.3.3: what is always there cannot be read while diagnostics are off; what comes and goes is not there then.
    private StatusCode CheckDiagnostics(in NodeHandle node, SpaceUser user)
    {
        if (Diagnostics is not { } diagnostics)
            return StatusCodes.Good;
        if (node.Kind is not (NodeKind.Standard or NodeKind.Session))
            return StatusCodes.Good;
        if (diagnostics.IsSecurity(node.Declaration) && !user.MayAdminister && ClassOf(node) == NodeClass.Variable)
            return StatusCodes.BadUserAccessDenied;
        return node.Kind == NodeKind.Standard && diagnostics.IsStatic(node.Declaration) && !diagnostics.IsEnabled(Tenant)
            ? StatusCodes.BadNotReadable
            : StatusCodes.Good;
    }

    private bool IsGone(in NodeHandle node) =>
        node.Kind is NodeKind.Session or NodeKind.Subscription && !Diagnostics!.IsThere(Tenant, node);

    private bool TryGetListed(in NodeHandle node, int fixedReferences, ref ReferencePosition position, out NodeReference reference)
    {
        reference = default;
        if (position.After is not NodeHandle[] listed)
        {
            if (Diagnostics?.ListBelow(Tenant, node) is not { } now)
                return false;
            position = position with { After = listed = now };
        }

        var next = position.Next - fixedReferences;
        if (next >= listed.Length)
            return false;
        position = position with { Next = position.Next + 1 };
        reference = new(Indexes.HasComponent, listed[next], IsForward: true);
        return true;
    }

    private NodeReference OwnReferenceOfDiagnostics(in NodeHandle node, int number) =>
        number == 0 && IsRoot(node)
            ? new(Indexes.HasTypeDefinition, new NodeHandle(NodeKind.Standard, node.Declaration), IsForward: true)
            : new(Indexes.HasComponent, new NodeHandle(NodeKind.Standard, Diagnostics!.ParentOf(node)), IsForward: false);

    private int CountOwnOfDiagnostics(in NodeHandle node) => (IsRoot(node) ? 1 : 0) + (Diagnostics!.ParentOf(node) >= 0 ? 1 : 0);

    private static byte[] NameOfDiagnostics(in NodeHandle root) =>
        root.Session?.NameUtf8 ?? System.Text.Encoding.ASCII.GetBytes(VersionText(root.SubscriptionId));
}
