using System.Security.Cryptography;
using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Events;

/// <summary>Makes events. Thread-safe.</summary>
internal sealed class EventMaker(StandardNodes nodes, TimeProvider time)
{
    private const int IdBytes = 16;
    private const int LongestText = 4096;

    /// <summary>An event of the server object.</summary>
    public EventHead OfServer(uint type, string message, ushort severity, string sourceName = "Server") =>
        Make(type, NodeId.Of(NodeIds.Server), sourceName, 0, message, severity, null);

    /// <summary>An event of a device.</summary>
    /// <param name="space">The space it is in.</param>
    /// <param name="device">The device.</param>
    /// <param name="type">The type's id in namespace 0.</param>
    /// <param name="happened">When it happened, in UA ticks; 0 for now.</param>
    /// <param name="message">What happened.</param>
    /// <param name="severity">1 to 1000.</param>
    public EventHead OfDevice(TenantSpace space, DeviceNode device, uint type, long happened, string message, ushort severity) =>
        Make(
            type,
            space.IdOf(new NodeHandle(NodeKind.Device, space.Indexes.DeviceType, device)),
            device.Id.Value,
            happened,
            message,
            severity,
            device
        );

    /// <summary>The event that takes the place of those for which a queue had no room (OPC 10000-4 §5.13.1.5).</summary>
    public UaEvent MakeOverflow() =>
        new(OfServer(NodeIds.EventQueueOverflowEventType, "Events were lost: the queue was full.", 500, "Internal/EventQueueOverflow"));

    private EventHead Make(uint type, NodeId source, string sourceName, long happened, string message, ushort severity, DeviceNode? device)
    {
        var now = time.GetUaTicks();
        return new EventHead(
            RandomNumberGenerator.GetBytes(IdBytes),
            nodes.IndexOf(type),
            NodeId.Of(type),
            source,
            sourceName,
            happened == 0 ? now : happened,
            now,
            message.Length <= LongestText ? message : message[..LongestText],
            Math.Clamp(severity, (ushort)1, (ushort)1000),
            device
        );
    }
}
