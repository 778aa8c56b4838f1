using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>An attribute that nobody pushes, as a session watches it: asked for now and then.</summary>
internal sealed class WatchedNode(SessionSpace space, NodeHandle node, AttributeId attribute)
{
    public NodeHandle Node => node;

    public AttributeId Attribute => attribute;

    public TenantSpace Space => space.Space;

    public DataValue Read() =>
        node.Owner?.IsRemoved == true ? DataValue.Of(StatusCodes.BadNodeIdUnknown) : space.Space.Read(node, attribute, space.User);
}
