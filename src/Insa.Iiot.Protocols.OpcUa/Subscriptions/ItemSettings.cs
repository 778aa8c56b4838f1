using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Subscriptions;

/// <summary>What a client may modify of a monitored item, after it was revised.</summary>
/// <param name="ClientHandle">The client's name for it.</param>
/// <param name="Filter">Which samples are news.</param>
/// <param name="SamplingMs">The least time between samples; 0 for every change.</param>
/// <param name="QueueSize">How many values wait, 1 at least.</param>
/// <param name="DiscardOldest">Which value makes room when the queue is full.</param>
/// <param name="Timestamps">Which times the notifications carry.</param>
internal readonly record struct ItemSettings(
    uint ClientHandle,
    ChangeFilter Filter,
    int SamplingMs,
    int QueueSize,
    bool DiscardOldest,
    TimestampsToReturn Timestamps
);
