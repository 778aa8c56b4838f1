namespace Insa.Iiot.Protocols.OpcUa.Subscriptions;

/// <summary>An attribute that can be watched. What its node and key are is known to the <see cref="IMonitoredValues"/> that gave it.</summary>
/// <param name="Node">The node, or what owns it.</param>
/// <param name="Key">Which of its values.</param>
/// <param name="AttributeId">The attribute (Part 6 annex A.1): 13 is the value.</param>
internal readonly record struct MonitoredAttribute(object? Node, long Key, uint AttributeId)
{
    public const uint ValueAttribute = 13;

    public bool IsValue => AttributeId == ValueAttribute;
}
