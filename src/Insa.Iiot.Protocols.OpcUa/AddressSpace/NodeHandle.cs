using Insa.Iiot.Protocols.OpcUa.Server.Sessions;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>A node that was found. What is computed has no object of its own: a handle says what to compute it from.</summary>
/// <param name="Kind">Where it comes from.</param>
/// <param name="Declaration">
/// The index in <see cref="StandardNodes"/>: of the node itself, or of the type or the declaration below it that it is an instance of.
/// </param>
/// <param name="Owner">The device; <see langword="null"/> for nodes that are no device's.</param>
/// <param name="Slot">The metric's slot in its device, or the bits of the subscription's id.</param>
/// <param name="Session">The session of a <see cref="NodeKind.Session"/>.</param>
internal readonly record struct NodeHandle(
    NodeKind Kind,
    int Declaration,
    DeviceNode? Owner = null,
    int Slot = 0,
    UaSession? Session = null
)
{
    public bool IsNone => Kind == NodeKind.None;

    public uint SubscriptionId => unchecked((uint)Slot);

    /// <summary>The device of a <see cref="NodeKind.Device"/>, <see cref="NodeKind.Metric"/> or <see cref="NodeKind.MetricProperty"/>.</summary>
    public DeviceNode Device => Owner!;
}
