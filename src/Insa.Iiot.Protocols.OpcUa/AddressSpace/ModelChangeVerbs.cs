namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>What happened to a node (OPC 10000-5 §12.17).</summary>
[Flags]
internal enum ModelChangeVerbs : byte
{
    None = 0,
    NodeAdded = 1,
    NodeDeleted = 2,
    ReferenceAdded = 4,
    ReferenceDeleted = 8,
    DataTypeChanged = 16,
}
