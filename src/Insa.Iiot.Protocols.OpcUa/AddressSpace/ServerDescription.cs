namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>What the server object says of the server.</summary>
internal sealed record ServerDescription
{
    public required string ApplicationUri { get; init; }

    public string ProductUri { get; init; } = "urn:insa:iiot";

    public string ProductName { get; init; } = "Insa.Iiot";

    public string ManufacturerName { get; init; } = "Insa.Iiot contributors";

    public string SoftwareVersion { get; init; } = "";

    /// <summary>The profiles that it keeps in full (OPC 10000-7), by URI.</summary>
    public IReadOnlyList<string> Profiles { get; init; } = [];

    public int MaxSessions { get; init; }
}
