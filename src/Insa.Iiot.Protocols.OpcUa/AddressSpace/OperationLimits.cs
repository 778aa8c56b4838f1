namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>How much one call may ask for (OPC 10000-5 §6.3.11); more is BadTooManyOperations. The same numbers are shown by the server object.</summary>
internal static class OperationLimits
{
    public const int NodesPerRead = 10_000;
    public const int NodesPerWrite = 1000;
    public const int MethodsPerCall = 100;
    public const int NodesPerBrowse = 1000;
    public const int NodesPerRegister = 10_000;
    public const int PathsPerTranslate = 1000;

    /// <summary>Of one node in one answer; the rest is behind a continuation point.</summary>
    public const int ReferencesPerNode = 1000;

    /// <summary>The references of all nodes in one answer; nodes after that get a continuation point at their beginning.</summary>
    public const int ReferencesPerBrowse = 50_000;

    /// <summary>How many continuation points of browsing a session may have.</summary>
    public const int BrowsePoints = 20;

    /// <summary>How many elements a browse path may have.</summary>
    public const int PathElements = 64;

    /// <summary>How many nodes a browse path may lead to, and how many it may pass by on its way at once.</summary>
    public const int PathTargets = 1000;
}
