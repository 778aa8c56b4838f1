using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>The indexes in <see cref="StandardNodes"/> of what the server computes nodes and references from.</summary>
internal sealed class DeclarationIndexes(StandardNodes nodes)
{
    // The ids in our node set, tools/Insa.Iiot.OpcUa.Generator/NodeSets/Insa.Iiot.NodeSet2.xml.
    public readonly int Tenants = Own(nodes, 1);
    public readonly int TenantType = Own(nodes, 2);
    public readonly int Devices = Own(nodes, 3);
    public readonly int TenantIdProperty = Own(nodes, 4);
    public readonly int DevicesType = Own(nodes, 5);
    public readonly int DevicesVersion = Own(nodes, 6);
    public readonly int DeviceType = Own(nodes, 10);
    public readonly int DeviceIdProperty = Own(nodes, 11);
    public readonly int DeviceName = Own(nodes, 12);
    public readonly int Gateway = Own(nodes, 13);
    public readonly int RegisteredAt = Own(nodes, 14);
    public readonly int DeviceVersion = Own(nodes, 15);
    public readonly int Status = Own(nodes, 16);
    public readonly int StatusValues = Own(nodes, 17);
    public readonly int StatusText = Own(nodes, 18);
    public readonly int Telemetry = Own(nodes, 20);
    public readonly int SetStatus = Own(nodes, 30);
    public readonly int SendCommand = Own(nodes, 33);
    public readonly int GetCommand = Own(nodes, 36);
    public readonly int CancelCommand = Own(nodes, 39);
    public readonly int SlopedHistory = Own(nodes, 50);
    public readonly int SteppedHistory = Own(nodes, 60);

    public readonly int Organizes = nodes.IndexOf(NodeIds.Organizes);
    public readonly int HasComponent = nodes.IndexOf(NodeIds.HasComponent);
    public readonly int HasProperty = nodes.IndexOf(NodeIds.HasProperty);
    public readonly int HasTypeDefinition = nodes.IndexOf(NodeIds.HasTypeDefinition);
    public readonly int HasHistoricalConfiguration = nodes.IndexOf(NodeIds.HasHistoricalConfiguration);
    public readonly int HasNotifier = nodes.IndexOf(NodeIds.HasNotifier);
    public readonly int HierarchicalReferences = nodes.IndexOf(NodeIds.HierarchicalReferences);

    public readonly int Server = nodes.IndexOf(NodeIds.Server);
    public readonly int PropertyType = nodes.IndexOf(NodeIds.PropertyType);
    public readonly int DataItemType = nodes.IndexOf(NodeIds.DataItemType);
    public readonly int AnalogItemType = nodes.IndexOf(NodeIds.AnalogItemType);
    public readonly int AnalogUnitType = nodes.IndexOf(NodeIds.AnalogUnitType);
    public readonly int EngineeringUnits = nodes.IndexOf(17569); // of BaseAnalogType
    public readonly int EURange = nodes.IndexOf(17568); // of BaseAnalogType

    public readonly int Boolean = nodes.IndexOf(NodeIds.Boolean);
    public readonly int Int64 = nodes.IndexOf(NodeIds.Int64);
    public readonly int Double = nodes.IndexOf(NodeIds.Double);
    public readonly int String = nodes.IndexOf(NodeIds.String);

    private static int Own(StandardNodes nodes, uint id) => nodes.IndexOf(id, StandardNodes.TypesNamespace);
}
