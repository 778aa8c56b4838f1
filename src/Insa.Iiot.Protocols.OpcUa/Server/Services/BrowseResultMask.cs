namespace Insa.Iiot.Protocols.OpcUa.Server.Services;

/// <summary>What of a reference is told (OPC 10000-4 §5.8.2).</summary>
[Flags]
internal enum BrowseResultMask : uint
{
    None = 0,
    ReferenceType = 1,
    IsForward = 2,
    NodeClass = 4,
    BrowseName = 8,
    DisplayName = 16,
    TypeDefinition = 32,
}
