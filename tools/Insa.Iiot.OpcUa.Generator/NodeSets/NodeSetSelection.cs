namespace Insa.Iiot.OpcUa.Generator.NodeSets;

/// <summary>What of the standard's nodes a Standard 2017 server with data access, history and model change events needs.</summary>
internal static class NodeSetSelection
{
    /// <summary>Where to begin.</summary>
    public static readonly uint[] Roots =
    [
        // Root, Objects, Types, Views, the folders of types, the two empty type systems, EventTypes.
        .. Range(84, 93),
        3048,
        // The server object, with AggregateFunctions and HistoryServerCapabilities below it.
        2253,
        // Data types that clients look for whether or not a variable here has them.
        .. Range(1, 31),
        95, // AccessRestrictionType
        .. Range(96, 102), // RolePermissionType, DataTypeDefinition and its parts
        121, // Decimal
        256,
        257,
        288,
        289,
        .. Range(290, 296), // Duration, NumericRange, Time, Date, UtcTime, LocaleId, Argument
        299,
        851,
        852,
        884,
        887,
        7594,
        8912,
        12755,
        12756,
        20998,
        23751,
        // Variable types of data access (OPC 10000-8).
        2365,
        2368,
        2372,
        2373,
        2376,
        11238,
        15318,
        17497,
        17570,
        // History (OPC 10000-11, -13).
        2318,
        2330,
        2340,
        11187,
        // The 37 aggregates (OPC 10000-13 §4.2.2).
        .. Range(2341, 2344),
        .. Range(2346, 2352),
        2355,
        .. Range(2357, 2364),
        .. Range(11285, 11288),
        11292,
        .. Range(11304, 11308),
        .. Range(11426, 11429),
        .. Range(11505, 11507),
        // Events: base, system, device failure, system status, model change, semantic change, queue overflow, audit.
        2041,
        2130,
        2131,
        2132,
        2133,
        2738,
        3035,
        11446,
        2052,
        // Conditions (OPC 10000-9): alarms with their supertypes, and what frames a refresh; the classes of conditions.
        2782,
        .. Range(2787, 2789),
        2881,
        2915,
        .. Range(11163, 11166),
        // How a data type is described and encoded, naming and modelling rules.
        69,
        72,
        75,
        76,
        77,
        78,
        80,
        83,
        11508,
        11510,
    ];

    /// <summary>What is left out although something kept has it: parts of the server object that stand for features that are not here.</summary>
    public static readonly HashSet<NodeKey> Left =
    [
        .. new uint[]
        {
            12637, // ServerConfiguration
            14443, // PublishSubscribe
            12749, // SetSubscriptionDurable
            12886, // RequestServerStateChange
            15004, // UrisVersion
            17594, // Dictionaries
            17634, // LocalTime
            24226, // Resources
            15606, // RoleSet
            24290, // UserManagement
            15957, // the metadata of namespace 0
        }.Select(id => new NodeKey(0, id)),
    ];

    /// <summary>The folders of the aggregates that the server has: its own, and that of its history.</summary>
    public static readonly uint[] AggregateFolders = [2997, 11201];

    private static IEnumerable<uint> Range(uint first, uint last)
    {
        for (var id = first; id <= last; id++)
            yield return id;
    }
}
