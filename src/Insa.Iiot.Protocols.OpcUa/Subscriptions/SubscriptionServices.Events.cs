using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Events;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Subscriptions;

/// <summary>Monitored items of events.</summary>
internal sealed partial class SubscriptionServices
{
    /// <summary>Begins a refresh of conditions (OPC 10000-9 §5.5.7). Who gets it ends it.</summary>
    /// <param name="session">Who asks for it.</param>
    /// <param name="subscriptionId">The subscription.</param>
    /// <param name="itemId">The one item to tell; <see langword="null"/> for all.</param>
    /// <param name="refresh">The refresh.</param>
    /// <returns>Good, BadSubscriptionIdInvalid, BadUserAccessDenied, BadMonitoredItemIdInvalid, BadNothingToDo or BadRefreshInProgress.</returns>
    public StatusCode BeginRefresh(UaSession session, uint subscriptionId, uint? itemId, out ConditionRefresh? refresh)
    {
        refresh = null;
        var status = FindForMethod(session, subscriptionId, out var subscription);
        if (!status.IsGood)
            return status;
        lock (subscription!.Gate)
        {
            if (subscription.IsClosed)
                return StatusCodes.BadSubscriptionIdInvalid;
            if (itemId is { } id && !(subscription.TryFind(id, out var item) && item is EventItem))
                return StatusCodes.BadMonitoredItemIdInvalid;
            if (subscription.EventItems == 0)
                return StatusCodes.BadNothingToDo;
            if (subscription.IsRefreshing)
                return StatusCodes.BadRefreshInProgress;
            subscription.IsRefreshing = true;
            refresh = new ConditionRefresh(subscription, itemId);
            return StatusCodes.Good;
        }
    }

    private MonitoredItemCreateResult CreateOfEvents(
        UaSession session,
        Subscription subscription,
        MonitoredItemCreateRequest request,
        TimestampsToReturn timestamps
    )
    {
        var target = request.ItemToMonitor;
        var status = engine.Events.Find(session, target.NodeId.AsView(), out var notifier);
        if (status.IsGood && !IsKnown(request.MonitoringMode))
            status = StatusCodes.BadMonitoringModeInvalid;
        if (status.IsGood && !string.IsNullOrEmpty(target.IndexRange))
            status = StatusCodes.BadIndexRangeInvalid;
        if (status.IsGood)
            status = CheckEncoding(target.DataEncoding, isValue: false);
        if (!status.IsGood)
            return new MonitoredItemCreateResult { StatusCode = status };

        status = ReviseEvents(
            subscription,
            request.RequestedParameters,
            timestamps,
            alreadyQueued: 0,
            out var query,
            out var result,
            out var settings
        );
        if (status.IsGood)
            status = ReserveOfEvents(subscription);
        if (!status.IsGood)
            return new MonitoredItemCreateResult { StatusCode = status, FilterResult = Of(result) };

        var item = new EventItem(subscription, engine.NextItemId(), notifier!, query!);
        item.Apply(settings, query!);
        subscription.Add(item);
        subscription.SetMode(item, request.MonitoringMode);
        return new MonitoredItemCreateResult
        {
            StatusCode = StatusCodes.Good,
            MonitoredItemId = item.Id,
            RevisedSamplingInterval = 0,
            RevisedQueueSize = (uint)settings.QueueSize,
            FilterResult = Of(result),
        };
    }

    private MonitoredItemModifyResult Modify(
        Subscription subscription,
        EventItem item,
        MonitoringParameters asked,
        TimestampsToReturn timestamps
    )
    {
        var status = ReviseEvents(subscription, asked, timestamps, item.Cost, out var query, out var result, out var settings);
        if (status.IsGood)
            subscription.Modify(item, settings, query!);
        return new MonitoredItemModifyResult
        {
            StatusCode = status,
            RevisedQueueSize = status.IsGood ? (uint)settings.QueueSize : 0,
            FilterResult = Of(result),
        };
    }

    private StatusCode ReviseEvents(
        Subscription subscription,
        MonitoringParameters asked,
        TimestampsToReturn timestamps,
        int alreadyQueued,
        out EventQuery? query,
        out EventFilterResult? result,
        out ItemSettings settings
    )
    {
        settings = default;
        var status = EventQueryReader.TryRead(asked.Filter, engine.Events.Types, EncodingLimits.Default, out query, out result);
        if (!status.IsGood)
            return status;

        // What the queues of the other items and the filter itself leave.
        var limits = engine.Limits;
        var room = limits.MaxQueuedValuesPerSubscription - (subscription.QueuedValues - alreadyQueued) - query!.Cost;
        if (room < 1)
            return StatusCodes.BadTooManyMonitoredItems;

        // Part 4 §7.21: 0 is the server's default.
        var queueSize = asked.QueueSize == 0 ? (uint)limits.DefaultEventQueueSize : asked.QueueSize;
        settings = new ItemSettings(
            asked.ClientHandle,
            ChangeFilter.Default,
            SamplingMs: 0,
            (int)Math.Min(queueSize, (uint)Math.Min(room, limits.MaxQueueSize)),
            asked.DiscardOldest,
            timestamps
        );
        return StatusCodes.Good;
    }

    private StatusCode ReserveOfEvents(Subscription subscription)
    {
        var tenant = subscription.Owner.Tenant;
        if (!engine.TryAddEventItem(tenant))
            return StatusCodes.BadTooManyMonitoredItems;
        if (TryReserve(subscription))
            return StatusCodes.Good;
        engine.RemoveEventItems(tenant, 1);
        return StatusCodes.BadTooManyMonitoredItems;
    }

    private static ExtensionObject Of(EventFilterResult? result) => result is null ? default : new ExtensionObject(result);
}
