using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Server;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Subscriptions;

/// <summary>The services of Part 4 §5.13 (MonitoredItem service set).</summary>
internal sealed partial class SubscriptionServices
{
    private static bool IsKnown(TimestampsToReturn timestamps) =>
        timestamps is >= TimestampsToReturn.Source and <= TimestampsToReturn.Neither;

    private static bool IsKnown(MonitoringMode mode) => mode is >= MonitoringMode.Disabled and <= MonitoringMode.Reporting;

    private void CreateMonitoredItems(RequestContext context, CreateMonitoredItemsRequest request)
    {
        if (!TryCount(context, request.ItemsToCreate, out var items) || !TryTimestamps(context, request.TimestampsToReturn))
            return;
        MonitoredItemCreateResult[] results = [];
        var found = WithSubscription(
            context,
            request.SubscriptionId,
            subscription =>
                results = Array.ConvertAll(items, item => Create(context.ActiveSession, subscription, item, request.TimestampsToReturn))
        );
        if (found)
            context.Respond(new CreateMonitoredItemsResponse { ResponseHeader = context.MakeHeader(), Results = results });
    }

    private void ModifyMonitoredItems(RequestContext context, ModifyMonitoredItemsRequest request)
    {
        if (!TryCount(context, request.ItemsToModify, out var items) || !TryTimestamps(context, request.TimestampsToReturn))
            return;
        MonitoredItemModifyResult[] results = [];
        var found = WithSubscription(
            context,
            request.SubscriptionId,
            subscription => results = Array.ConvertAll(items, item => Modify(subscription, item, request.TimestampsToReturn))
        );
        if (found)
            context.Respond(new ModifyMonitoredItemsResponse { ResponseHeader = context.MakeHeader(), Results = results });
    }

    private void SetMonitoringMode(RequestContext context, SetMonitoringModeRequest request)
    {
        if (!TryCount(context, request.MonitoredItemIds, out var ids))
            return;
        if (!IsKnown(request.MonitoringMode))
        {
            context.Fault(StatusCodes.BadMonitoringModeInvalid);
            return;
        }

        StatusCode[] results = [];
        var found = WithSubscription(
            context,
            request.SubscriptionId,
            subscription =>
                results = Array.ConvertAll(
                    ids,
                    id =>
                    {
                        if (!subscription.TryFind(id, out var item))
                            return StatusCodes.BadMonitoredItemIdInvalid;
                        subscription.SetMode(item, request.MonitoringMode);
                        return StatusCodes.Good;
                    }
                )
        );
        if (found)
            context.Respond(new SetMonitoringModeResponse { ResponseHeader = context.MakeHeader(), Results = results });
    }

    private void SetTriggering(RequestContext context, SetTriggeringRequest request)
    {
        var remove = request.LinksToRemove ?? [];
        var add = request.LinksToAdd ?? [];
        if (remove.Length + add.Length == 0 || remove.Length + add.Length > engine.Limits.MaxOperationsPerCall)
        {
            context.Fault(remove.Length + add.Length == 0 ? StatusCodes.BadNothingToDo : StatusCodes.BadTooManyOperations);
            return;
        }

        StatusCode[]? removed = null;
        StatusCode[]? added = null;
        var found = WithSubscription(
            context,
            request.SubscriptionId,
            subscription =>
            {
                if (!subscription.TryFind(request.TriggeringItemId, out var trigger))
                    return;

                // Links are removed before others are added (Part 4 §5.13.5.2).
                removed = Array.ConvertAll(
                    remove,
                    id =>
                        subscription.TryFind(id, out var item)
                            ? subscription.RemoveLink(trigger, item)
                            : StatusCodes.BadMonitoredItemIdInvalid
                );
                added = Array.ConvertAll(
                    add,
                    id =>
                        subscription.TryFind(id, out var item) ? subscription.AddLink(trigger, item) : StatusCodes.BadMonitoredItemIdInvalid
                );
            }
        );
        if (!found)
            return;
        if (removed is null)
        {
            context.Fault(StatusCodes.BadMonitoredItemIdInvalid);
            return;
        }

        context.Respond(
            new SetTriggeringResponse
            {
                ResponseHeader = context.MakeHeader(),
                RemoveResults = removed,
                AddResults = added,
            }
        );
    }

    private void DeleteMonitoredItems(RequestContext context, DeleteMonitoredItemsRequest request)
    {
        if (!TryCount(context, request.MonitoredItemIds, out var ids))
            return;
        StatusCode[] results = [];
        var found = WithSubscription(
            context,
            request.SubscriptionId,
            subscription =>
            {
                var ofEvents = subscription.EventItems;
                results = Array.ConvertAll(
                    ids,
                    id => subscription.DeleteItem(id) ? StatusCodes.Good : StatusCodes.BadMonitoredItemIdInvalid
                );
                engine.RemoveItems(subscription.Owner.Tenant, results.Count(result => result.IsGood));
                engine.RemoveEventItems(subscription.Owner.Tenant, ofEvents - subscription.EventItems);
            }
        );
        if (found)
            context.Respond(new DeleteMonitoredItemsResponse { ResponseHeader = context.MakeHeader(), Results = results });
    }

    private static bool TryTimestamps(RequestContext context, TimestampsToReturn timestamps)
    {
        if (IsKnown(timestamps))
            return true;
        context.Fault(StatusCodes.BadTimestampsToReturnInvalid);
        return false;
    }

    private MonitoredItemCreateResult Create(
        UaSession session,
        Subscription subscription,
        MonitoredItemCreateRequest request,
        TimestampsToReturn timestamps
    )
    {
        var target = request.ItemToMonitor;
        if (target.AttributeId == EventItem.Attribute)
            return CreateOfEvents(session, subscription, request, timestamps);
        var status = engine.Values.Find(session, target.NodeId.AsView(), target.AttributeId, out var attribute);
        if (status.IsGood && !IsKnown(request.MonitoringMode))
            status = StatusCodes.BadMonitoringModeInvalid;
        if (!NumericRange.TryParse(target.IndexRange, out var range) && status.IsGood)
            status = StatusCodes.BadIndexRangeInvalid;
        if (status.IsGood)
            status = CheckEncoding(target.DataEncoding, attribute.IsValue);
        ItemSettings settings = default;
        if (status.IsGood)
            status = Revise(subscription, attribute, request.RequestedParameters, timestamps, alreadyQueued: 0, out settings);
        if (status.IsGood && !TryReserve(subscription))
            status = StatusCodes.BadTooManyMonitoredItems;
        if (!status.IsGood)
            return new MonitoredItemCreateResult { StatusCode = status };

        var item = new ValueItem(subscription, engine.NextItemId(), attribute, range);
        item.Apply(settings);
        subscription.Add(item);
        subscription.SetMode(item, request.MonitoringMode);
        return new MonitoredItemCreateResult
        {
            StatusCode = StatusCodes.Good,
            MonitoredItemId = item.Id,
            RevisedSamplingInterval = settings.SamplingMs,
            RevisedQueueSize = (uint)settings.QueueSize,
        };
    }

    private MonitoredItemModifyResult Modify(Subscription subscription, MonitoredItemModifyRequest request, TimestampsToReturn timestamps)
    {
        if (!subscription.TryFind(request.MonitoredItemId, out var item))
            return new MonitoredItemModifyResult { StatusCode = StatusCodes.BadMonitoredItemIdInvalid };
        if (item is EventItem eventItem)
            return Modify(subscription, eventItem, request.RequestedParameters, timestamps);
        var value = (ValueItem)item;
        var status = Revise(
            subscription,
            value.Attribute,
            request.RequestedParameters,
            timestamps,
            alreadyQueued: value.Cost,
            out var settings
        );
        if (!status.IsGood)
            return new MonitoredItemModifyResult { StatusCode = status };
        subscription.Modify(value, settings);
        return new MonitoredItemModifyResult
        {
            StatusCode = StatusCodes.Good,
            RevisedSamplingInterval = settings.SamplingMs,
            RevisedQueueSize = (uint)settings.QueueSize,
        };
    }

    private bool TryReserve(Subscription subscription) =>
        subscription.Items.Count < engine.Limits.MaxItemsPerSubscription && engine.TryAddItem(subscription.Owner.Tenant);

    private StatusCode Revise(
        Subscription subscription,
        in MonitoredAttribute attribute,
        MonitoringParameters asked,
        TimestampsToReturn timestamps,
        int alreadyQueued,
        out ItemSettings settings
    )
    {
        settings = default;
        var kind = engine.Values.KindOf(attribute);
        var status = ChangeFilter.TryMake(asked.Filter, attribute, kind, EncodingLimits.Default, out var filter);
        if (!status.IsGood)
            return status;

        // What the queues of the other items leave.
        var limits = engine.Limits;
        var room = 1 + Math.Max(0, limits.MaxQueuedValuesPerSubscription - (subscription.QueuedValues - alreadyQueued));
        var queueSize = (int)Math.Clamp(asked.QueueSize, 1, (uint)Math.Min(room, limits.MaxQueueSize));
        settings = new ItemSettings(
            asked.ClientHandle,
            filter,
            SamplingOf(asked.SamplingInterval, subscription.Settings.PublishingMs),
            queueSize,
            asked.DiscardOldest,
            timestamps
        );
        return StatusCodes.Good;
    }

    // Part 4 §7.21: 0 is every change, a negative interval is the publishing interval.
    private int SamplingOf(double asked, int publishingMs) =>
        asked == 0 ? 0
        : asked > 0 ? (int)SubscriptionSettings.Clamp(asked, engine.Limits.MinSamplingInterval, engine.Limits.MaxSamplingInterval)
        : publishingMs;

    private static StatusCode CheckEncoding(QualifiedName encoding, bool isValue)
    {
        if (string.IsNullOrEmpty(encoding.Name))
            return StatusCodes.Good;
        if (!isValue || encoding.NamespaceIndex != 0)
            return StatusCodes.BadDataEncodingInvalid;
        return encoding.Name switch
        {
            "Default Binary" => StatusCodes.Good,
            "Default XML" or "Default JSON" => StatusCodes.BadDataEncodingUnsupported,
            _ => StatusCodes.BadDataEncodingInvalid,
        };
    }
}
