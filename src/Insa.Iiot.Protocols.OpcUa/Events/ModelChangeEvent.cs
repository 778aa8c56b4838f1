using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Events;

/// <summary>Nodes came, went or changed (OPC 10000-5 §6.4.32). Who sees some of the devices alone hears of those.</summary>
internal sealed class ModelChangeEvent(in EventHead head, TenantSpace space, IReadOnlyList<ModelChange> changes) : UaEvent(head)
{
    private ExtensionObject[]? _structures;

    public override Variant Get(string path) =>
        path == "Changes" ? Variant.Of(_structures ??= [.. changes.Select(Describe)]) : base.Get(path);

    public override UaEvent? SeenBy(SpaceUser user)
    {
        if (changes.All(change => user.MaySee(change.Affected)))
            return this;
        var seen = changes.Where(change => user.MaySee(change.Affected)).ToList();

        // That the folder of devices has changed tells of the devices that are not seen.
        return seen.Exists(change => change.Affected.Owner is not null) ? new ModelChangeEvent(Head, space, seen) : null;
    }

    private ExtensionObject Describe(ModelChange change) =>
        new(
            new ModelChangeStructureDataType
            {
                Affected = space.IdOf(change.Affected),
                AffectedType = change.Type < 0 ? default : space.IdOf(new NodeHandle(NodeKind.Standard, change.Type)),
                Verb = (byte)change.Verb,
            }
        );
}
