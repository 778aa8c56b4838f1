namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>Where a node comes from.</summary>
internal enum NodeKind : byte
{
    /// <summary>No node.</summary>
    None,

    /// <summary>A row of <see cref="StandardNodes"/>.</summary>
    Standard,

    /// <summary>The tenant's object, or a node below it that its type declares.</summary>
    Tenant,

    /// <summary>A device's object, or a node below it that its type declares.</summary>
    Device,

    /// <summary>The variable of a metric.</summary>
    Metric,

    /// <summary>A property of a metric's variable.</summary>
    MetricProperty,

    /// <summary>The object of a session's diagnostics, or a node below it that its type declares.</summary>
    Session,

    /// <summary>The variable of a subscription's diagnostics, or a node below it that its type declares.</summary>
    Subscription,
}
