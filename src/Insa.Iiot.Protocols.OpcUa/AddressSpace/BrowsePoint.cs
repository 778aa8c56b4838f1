using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>Where browsing of a node goes on, and what is looked for.</summary>
/// <param name="Node">The node.</param>
/// <param name="Direction">Which references.</param>
/// <param name="ReferenceType">The index of their type; -1 for all.</param>
/// <param name="IncludeSubtypes">Whether types derived from it count too.</param>
/// <param name="ClassMask">The classes of nodes that they lead to; 0 for all.</param>
/// <param name="ResultMask">What is told of them.</param>
/// <param name="MaxReferences">How many at a time.</param>
/// <param name="Position">Where to go on.</param>
internal readonly record struct BrowsePoint(
    NodeHandle Node,
    BrowseDirection Direction,
    int ReferenceType,
    bool IncludeSubtypes,
    uint ClassMask,
    uint ResultMask,
    int MaxReferences,
    ReferencePosition Position
);
