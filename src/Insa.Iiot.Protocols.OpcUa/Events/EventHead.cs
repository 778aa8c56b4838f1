using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.Events;

/// <summary>What every event says. Times are UA ticks.</summary>
/// <param name="Id">Names it; not to be changed.</param>
/// <param name="Type">The index of its type in <see cref="StandardNodes"/>.</param>
/// <param name="TypeId">The id of that type.</param>
/// <param name="Source">The node it is of.</param>
/// <param name="SourceName">That node's name.</param>
/// <param name="Time">When it happened.</param>
/// <param name="ReceiveTime">When the server heard of it.</param>
/// <param name="Message">What happened, for people.</param>
/// <param name="Severity">How much it matters: 1 to 1000.</param>
/// <param name="Device">The device, if the source is one.</param>
internal readonly record struct EventHead(
    byte[] Id,
    int Type,
    NodeId TypeId,
    NodeId Source,
    string SourceName,
    long Time,
    long ReceiveTime,
    string Message,
    ushort Severity,
    DeviceNode? Device = null
);
