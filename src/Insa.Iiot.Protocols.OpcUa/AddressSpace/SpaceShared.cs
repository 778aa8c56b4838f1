using System.Collections.Frozen;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>What the spaces of all tenants have in common. Immutable but for the values behind it.</summary>
internal sealed class SpaceShared
{
    private readonly FrozenDictionary<byte[], int>.AlternateLookup<ReadOnlySpan<byte>> _deviceMembers;
    private readonly FrozenSet<int> _tenantMembers;

    public SpaceShared(StandardNodes nodes, string applicationUri, IMetricCatalog catalog, ServerValues values, TimeProvider time)
    {
        (Nodes, ApplicationUri, Catalog, Values, Time) = (nodes, applicationUri, catalog, values, time);
        Indexes = new DeclarationIndexes(nodes);
        _deviceMembers = ListMembers(Indexes.DeviceType)
            .ToFrozenDictionary(index => nodes.BrowseNameOf(index).ToArray(), index => index, Utf8BytesComparer.Instance)
            .GetAlternateLookup<ReadOnlySpan<byte>>();
        _tenantMembers = ListMembers(Indexes.TenantType).Concat(ListMembers(Indexes.DevicesType)).ToFrozenSet();
    }

    public StandardNodes Nodes { get; }

    public DeclarationIndexes Indexes { get; }

    public string ApplicationUri { get; }

    public IMetricCatalog Catalog { get; }

    public ServerValues Values { get; }

    public TimeProvider Time { get; }

    /// <summary>The nodes of diagnostics, if the server has any.</summary>
    public DiagnosticNodes? Diagnostics { get; init; }

    /// <summary>Finds what the type of devices declares by its browse name, which is that of one member only.</summary>
    public bool TryFindDeviceMember(ReadOnlySpan<byte> browseName, out int declaration) =>
        _deviceMembers.TryGetValue(browseName, out declaration);

    public bool IsTenantMember(int declaration) => _tenantMembers.Contains(declaration);

    /// <summary>Whether a declaration stands for instances of any name, such as <c>&lt;Device&gt;</c>.</summary>
    public bool IsPlaceholder(int declaration) => Nodes.BrowseNameOf(declaration)[0] == '<';

    // What each instance has of its own: methods it shares with its type.
    private IEnumerable<int> ListMembers(int parent)
    {
        foreach (var reference in Nodes.ReferencesOf(parent).ToArray())
        {
            if (!IsMember(reference))
                continue;
            yield return reference.Target;
            foreach (var member in ListMembers(reference.Target))
                yield return member;
        }
    }

    /// <summary>Whether a reference of a type or declaration leads to a member that each instance has of its own.</summary>
    public bool IsMember(in StandardReference reference) =>
        reference.IsForward
        && (reference.Type == Indexes.HasComponent || reference.Type == Indexes.HasProperty)
        && Nodes[reference.Target].Class != NodeClass.Method
        && !IsPlaceholder(reference.Target);
}
