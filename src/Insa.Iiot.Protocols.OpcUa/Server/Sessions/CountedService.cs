using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Server.Sessions;

/// <summary>The services that the diagnostics of a session count one by one (OPC 10000-5 §12.11).</summary>
internal enum CountedService : byte
{
    /// <summary>All others: they are in the total only.</summary>
    Other,
    Read,
    HistoryRead,
    Write,
    HistoryUpdate,
    Call,
    CreateMonitoredItems,
    ModifyMonitoredItems,
    SetMonitoringMode,
    SetTriggering,
    DeleteMonitoredItems,
    CreateSubscription,
    ModifySubscription,
    SetPublishingMode,
    Publish,
    Republish,
    TransferSubscriptions,
    DeleteSubscriptions,
    AddNodes,
    AddReferences,
    DeleteNodes,
    DeleteReferences,
    Browse,
    BrowseNext,
    TranslateBrowsePathsToNodeIds,
    QueryFirst,
    QueryNext,
    RegisterNodes,
    UnregisterNodes,
}
