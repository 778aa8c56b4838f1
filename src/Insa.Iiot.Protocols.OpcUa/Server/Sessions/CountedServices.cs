using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Server.Sessions;

/// <summary>Tells services apart that are counted one by one.</summary>
internal static class CountedServices
{
    public const int Count = (int)CountedService.UnregisterNodes + 1;

    /// <summary>The service of a request, by the id of its binary encoding; also of services that are not offered.</summary>
    public static CountedService Of(uint requestId) =>
        requestId switch
        {
            EncodingIds.ReadRequest => CountedService.Read,
            EncodingIds.HistoryReadRequest => CountedService.HistoryRead,
            EncodingIds.WriteRequest => CountedService.Write,
            EncodingIds.HistoryUpdateRequest => CountedService.HistoryUpdate,
            EncodingIds.CallRequest => CountedService.Call,
            EncodingIds.CreateMonitoredItemsRequest => CountedService.CreateMonitoredItems,
            EncodingIds.ModifyMonitoredItemsRequest => CountedService.ModifyMonitoredItems,
            EncodingIds.SetMonitoringModeRequest => CountedService.SetMonitoringMode,
            EncodingIds.SetTriggeringRequest => CountedService.SetTriggering,
            EncodingIds.DeleteMonitoredItemsRequest => CountedService.DeleteMonitoredItems,
            EncodingIds.CreateSubscriptionRequest => CountedService.CreateSubscription,
            EncodingIds.ModifySubscriptionRequest => CountedService.ModifySubscription,
            EncodingIds.SetPublishingModeRequest => CountedService.SetPublishingMode,
            EncodingIds.PublishRequest => CountedService.Publish,
            EncodingIds.RepublishRequest => CountedService.Republish,
            EncodingIds.TransferSubscriptionsRequest => CountedService.TransferSubscriptions,
            EncodingIds.DeleteSubscriptionsRequest => CountedService.DeleteSubscriptions,
            EncodingIds.BrowseRequest => CountedService.Browse,
            EncodingIds.BrowseNextRequest => CountedService.BrowseNext,
            EncodingIds.TranslateBrowsePathsToNodeIdsRequest => CountedService.TranslateBrowsePathsToNodeIds,
            EncodingIds.RegisterNodesRequest => CountedService.RegisterNodes,
            EncodingIds.UnregisterNodesRequest => CountedService.UnregisterNodes,
            488 => CountedService.AddNodes,
            494 => CountedService.AddReferences,
            500 => CountedService.DeleteNodes,
            506 => CountedService.DeleteReferences,
            615 => CountedService.QueryFirst,
            621 => CountedService.QueryNext,
            _ => CountedService.Other,
        };
}
