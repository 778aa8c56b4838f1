using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>How nodes are called: ids and names, written from the bytes that they are kept in.</summary>
internal sealed partial class TenantSpace
{
    // A device's id, a member's name, a metric's name, and two marks.
    private const int LongestId = DeviceId.MaxLength + 64 + TelemetryLimits.MaxNameBytes + 2;

    /// <summary>Writes a node's id.</summary>
    public void WriteNodeId(ref UaWriter writer, in NodeHandle node)
    {
        Span<byte> text = stackalloc byte[LongestId];
        writer.NodeId(IdOf(node, text));
    }

    /// <summary>A node's id, to be kept.</summary>
    public NodeId IdOf(in NodeHandle node)
    {
        Span<byte> text = stackalloc byte[LongestId];
        return IdOf(node, text).ToNodeId();
    }

    /// <summary>Writes a node's browse name.</summary>
    public void WriteBrowseName(ref UaWriter writer, in NodeHandle node) =>
        writer.QualifiedName(BrowseNamespaceOf(node), BrowseNameOf(node));

    public ushort BrowseNamespaceOf(in NodeHandle node) =>
        !IsNamedByTenant(node) ? Nodes[node.Declaration].BrowseNamespace
        : node.Kind is NodeKind.Session or NodeKind.Subscription ? DiagnosticNodes.Namespace
        : DevicesNamespace;

    /// <summary>A node's browse name without its namespace, in UTF-8.</summary>
    public ReadOnlySpan<byte> BrowseNameOf(in NodeHandle node) =>
        node.Kind switch
        {
            NodeKind.Metric => node.Device.Shape.Names[node.Slot].Utf8,
            NodeKind.Device when IsRoot(node) => node.Device.IdUtf8,
            NodeKind.Tenant when IsRoot(node) => _tenantUtf8,
            NodeKind.Session or NodeKind.Subscription when IsRoot(node) => NameOfDiagnostics(node),
            _ => Nodes.BrowseNameOf(node.Declaration),
        };

    /// <summary>Writes a node's display name.</summary>
    public void WriteDisplayName(ref UaWriter writer, in NodeHandle node)
    {
        if (node.Kind == NodeKind.Device && IsRoot(node) && node.Device.Registered.DisplayName is { Length: > 0 } name)
            writer.LocalizedText(new LocalizedText(null, name));
        else
            writer.LocalizedText(IsNamedByTenant(node) ? BrowseNameOf(node) : Nodes.TextOf(Nodes[node.Declaration].DisplayName));
    }

    private string DisplayNameOf(in NodeHandle node)
    {
        if (node.Kind == NodeKind.Device && IsRoot(node) && node.Device.Registered.DisplayName is { Length: > 0 } name)
            return name;
        return Text(IsNamedByTenant(node) ? BrowseNameOf(node) : Nodes.TextOf(Nodes[node.Declaration].DisplayName));
    }

    private bool IsNamedByTenant(in NodeHandle node) => node.Kind == NodeKind.Metric || IsRoot(node);

    private NodeIdView IdOf(in NodeHandle node, Span<byte> text)
    {
        switch (node.Kind)
        {
            case NodeKind.Standard:
                ref readonly var row = ref Nodes[node.Declaration];
                return new NodeIdView(row.Namespace, row.Id);
            case NodeKind.Session or NodeKind.Subscription:
                return Diagnostics!.IdOf(node, text);
            case NodeKind.Tenant:
                return new NodeIdView(DevicesNamespace, Nodes[node.Declaration].Id);
            default:
                var end = Append(text, 0, node.Device.IdUtf8);
                if (node.Kind == NodeKind.MetricProperty || (node.Kind == NodeKind.Device && !IsRoot(node)))
                    end = Append(text, end, "#"u8, Nodes.BrowseNameOf(node.Declaration));
                if (node.Kind is NodeKind.Metric or NodeKind.MetricProperty)
                    end = Append(text, end, "/"u8, node.Device.Shape.Names[node.Slot].Utf8);
                return new NodeIdView(DevicesNamespace, NodeIdType.String, text[..end]);
        }
    }

    private static int Append(Span<byte> text, int end, ReadOnlySpan<byte> mark, ReadOnlySpan<byte> more) =>
        Append(text, Append(text, end, mark), more);

    private static int Append(Span<byte> text, int end, ReadOnlySpan<byte> more)
    {
        more.CopyTo(text[end..]);
        return end + more.Length;
    }

    private static string Text(ReadOnlySpan<byte> utf8) => System.Text.Encoding.UTF8.GetString(utf8);
}
