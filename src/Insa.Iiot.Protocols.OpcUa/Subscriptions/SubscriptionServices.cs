using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Server;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Subscriptions;

/// <summary>The services of Part 4 §5.14 (Subscription service set); those of monitored items are in the other file.</summary>
internal sealed partial class SubscriptionServices(SubscriptionEngine engine) : IServiceModule, ISubscriptionDiagnostics
{
    private static readonly SessionSlot<SessionSubscriptions> Slot = new();

    public void Register(ServiceTable table)
    {
        table.Add<CreateSubscriptionRequest>(CreateSubscription);
        table.Add<ModifySubscriptionRequest>(ModifySubscription);
        table.Add<SetPublishingModeRequest>(SetPublishingMode);
        table.Add<DeleteSubscriptionsRequest>(DeleteSubscriptions);
        table.Add<TransferSubscriptionsRequest>(TransferSubscriptions);
        table.Add(EncodingIds.PublishRequest, Publish);
        table.Add(EncodingIds.RepublishRequest, Republish);
        table.Add<CreateMonitoredItemsRequest>(CreateMonitoredItems);
        table.Add<ModifyMonitoredItemsRequest>(ModifyMonitoredItems);
        table.Add<SetMonitoringModeRequest>(SetMonitoringMode);
        table.Add<SetTriggeringRequest>(SetTriggering);
        table.Add<DeleteMonitoredItemsRequest>(DeleteMonitoredItems);
        table.WhenUserChanges(UserChanged);
        table.WhenSessionCloses(SessionClosed);
    }

    /// <summary>The method GetMonitoredItems of the server object (Part 5 §9.1). Not to be called between the begin and the end of an answer.</summary>
    /// <returns>Good, BadSubscriptionIdInvalid, or BadUserAccessDenied for that of another session of the tenant.</returns>
    public StatusCode GetMonitoredItems(UaSession session, uint subscriptionId, out uint[] serverHandles, out uint[] clientHandles)
    {
        (serverHandles, clientHandles) = ([], []);
        var status = FindForMethod(session, subscriptionId, out var subscription);
        if (!status.IsGood)
            return status;
        lock (subscription!.Gate)
        {
            serverHandles = [.. subscription.Items.Keys];
            clientHandles = [.. subscription.Items.Values.Select(item => item.Settings.ClientHandle)];
        }

        return StatusCodes.Good;
    }

    /// <summary>The method ResendData of the server object (Part 5 §9.2). Not to be called between the begin and the end of an answer.</summary>
    /// <returns>As <see cref="GetMonitoredItems"/>.</returns>
    public StatusCode ResendData(UaSession session, uint subscriptionId)
    {
        var status = FindForMethod(session, subscriptionId, out var subscription);
        if (!status.IsGood)
            return status;
        lock (subscription!.Gate)
            subscription.ResendData();
        return StatusCodes.Good;
    }

    /// <summary>The diagnostics of a tenant's subscriptions (Part 5 §12.15), as of about now. Takes no locks.</summary>
    public SubscriptionDiagnosticsDataType[] ListSubscriptions(TenantId tenant) =>
        [.. engine.All.Where(subscription => subscription.Owner.Tenant == tenant).Select(subscription => subscription.Diagnose())];

    public SubscriptionDiagnosticsDataType[] ListSubscriptions(UaSession session)
    {
        var subscriptions = Slot.Find(session) is { } own ? own.Subscriptions : [];
        var all = new SubscriptionDiagnosticsDataType[subscriptions.Length];
        for (var i = 0; i < all.Length; i++)
            all[i] = subscriptions[i].Diagnose();
        return all;
    }

    public uint[] ListIds(TenantId tenant, UaSession? session = null) =>
        [
            .. engine
                .All.Where(subscription =>
                    subscription.Owner.Tenant == tenant && (session is null || subscription.Session?.Session == session)
                )
                .Select(subscription => subscription.Id),
        ];

    public SubscriptionDiagnosticsDataType? Find(TenantId tenant, uint id) =>
        engine.Find(id) is { } subscription && subscription.Owner.Tenant == tenant ? subscription.Diagnose() : null;

    public uint CountPublishRequests(UaSession session) => (uint)(Slot.Find(session)?.Requests.Count ?? 0);

    public void Reset(TenantId tenant)
    {
        foreach (var subscription in engine.All)
        {
            if (subscription.Owner.Tenant != tenant)
                continue;
            lock (subscription.Gate)
                subscription.ResetCounts();
        }

        engine.UsageOf(tenant).ResetCount();
    }

    /// <summary>How many subscriptions of a tenant there have been since the server started.</summary>
    public uint CumulatedCount(TenantId tenant) => engine.UsageOf(tenant).EverCreated;

    /// <summary>How many different publishing intervals a tenant uses.</summary>
    public uint PublishingIntervalCount(TenantId tenant) =>
        (uint)
            engine
                .All.Where(subscription => subscription.Owner.Tenant == tenant)
                .Select(subscription => subscription.Settings.PublishingMs)
                .Distinct()
                .Count();

    private SessionSubscriptions Of(UaSession session) => Slot.GetOrAdd(session, made => new SessionSubscriptions(made, engine.Limits));

    private void SessionClosed(UaSession session, bool deleteSubscriptions)
    {
        if (Slot.Find(session) is { } subscriptions)
            engine.CloseSession(subscriptions, deleteSubscriptions);
    }

    private void UserChanged(UaSession session)
    {
        if (Slot.Find(session) is { } subscriptions)
            SubscriptionEngine.CheckRights(subscriptions);
    }

    private StatusCode FindForMethod(UaSession session, uint id, out Subscription? subscription)
    {
        if (engine.TryFind(Of(session), id, out subscription))
            return StatusCodes.Good;
        return engine.All.Any(other => other.Id == id && other.Owner.Tenant == session.Tenant)
            ? StatusCodes.BadUserAccessDenied
            : StatusCodes.BadSubscriptionIdInvalid;
    }

    private void CreateSubscription(RequestContext context, CreateSubscriptionRequest request)
    {
        var settings = SubscriptionSettings.Revise(
            request.RequestedPublishingInterval,
            request.RequestedLifetimeCount,
            request.RequestedMaxKeepAliveCount,
            request.MaxNotificationsPerPublish,
            request.Priority,
            engine.Limits
        );
        var status = engine.Create(Of(context.ActiveSession), settings, request.PublishingEnabled, out var subscription);
        if (!status.IsGood)
        {
            context.Fault(status);
            return;
        }

        context.Respond(
            new CreateSubscriptionResponse
            {
                ResponseHeader = context.MakeHeader(),
                SubscriptionId = subscription!.Id,
                RevisedPublishingInterval = settings.PublishingMs,
                RevisedLifetimeCount = settings.LifetimeCount,
                RevisedMaxKeepAliveCount = settings.MaxKeepAliveCount,
            }
        );
    }

    private void ModifySubscription(RequestContext context, ModifySubscriptionRequest request)
    {
        var settings = SubscriptionSettings.Revise(
            request.RequestedPublishingInterval,
            request.RequestedLifetimeCount,
            request.RequestedMaxKeepAliveCount,
            request.MaxNotificationsPerPublish,
            request.Priority,
            engine.Limits
        );
        var found = WithSubscription(context, request.SubscriptionId, subscription => subscription.Modify(settings));
        if (!found)
            return;
        engine.Arm();
        context.Respond(
            new ModifySubscriptionResponse
            {
                ResponseHeader = context.MakeHeader(),
                RevisedPublishingInterval = settings.PublishingMs,
                RevisedLifetimeCount = settings.LifetimeCount,
                RevisedMaxKeepAliveCount = settings.MaxKeepAliveCount,
            }
        );
    }

    private void SetPublishingMode(RequestContext context, SetPublishingModeRequest request)
    {
        if (!TryCount(context, request.SubscriptionIds, out var ids))
            return;
        var session = Of(context.ActiveSession);
        var results = new StatusCode[ids.Length];
        for (var i = 0; i < ids.Length; i++)
        {
            results[i] = StatusCodes.BadSubscriptionIdInvalid;
            if (!engine.TryFind(session, ids[i], out var subscription))
                continue;
            lock (subscription.Gate)
            {
                if (subscription.IsClosed || subscription.Session != session)
                    continue;
                subscription.SetPublishing(request.PublishingEnabled);
                subscription.KeepAlive();
                results[i] = StatusCodes.Good;
            }
        }

        context.Respond(new SetPublishingModeResponse { ResponseHeader = context.MakeHeader(), Results = results });
    }

    private void DeleteSubscriptions(RequestContext context, DeleteSubscriptionsRequest request)
    {
        if (!TryCount(context, request.SubscriptionIds, out var ids))
            return;
        var session = Of(context.ActiveSession);
        var results = Array.ConvertAll(ids, id => engine.Delete(session, id) ? StatusCodes.Good : StatusCodes.BadSubscriptionIdInvalid);
        context.Respond(new DeleteSubscriptionsResponse { ResponseHeader = context.MakeHeader(), Results = results });
    }

    private void TransferSubscriptions(RequestContext context, TransferSubscriptionsRequest request)
    {
        if (!TryCount(context, request.SubscriptionIds, out var ids))
            return;
        var session = Of(context.ActiveSession);
        var results = Array.ConvertAll(
            ids,
            id =>
            {
                var status = engine.Transfer(session, id, request.SendInitialValues, out var available);
                return new TransferResult { StatusCode = status, AvailableSequenceNumbers = available };
            }
        );
        context.Respond(new TransferSubscriptionsResponse { ResponseHeader = context.MakeHeader(), Results = results });
    }

    private void Publish(RequestContext context, ref UaReader reader)
    {
        const int acknowledgementBytes = 8;
        var session = Of(context.ActiveSession);
        var count = reader.ArrayLength(acknowledgementBytes);
        if (!reader.Status.IsGood)
        {
            context.Fault(reader.Status);
            return;
        }

        if (count > engine.Limits.MaxOperationsPerCall)
        {
            context.Fault(StatusCodes.BadTooManyOperations);
            return;
        }

        var request = session.Requests.Rent();
        request.Value.Context = context;
        for (; count > 0; count--)
            request.Value.AddResult(Acknowledge(session, reader.UInt32(), reader.UInt32()));

        // A client that publishes lives, and so do its subscriptions whose turn does not come. No lock: a tick that is lost or won does not matter.
        foreach (var subscription in session.Subscriptions)
            subscription.KeepAlive();

        if (session.TrySendPosted(request))
            return;
        if (session.HasNone)
        {
            context.Fault(StatusCodes.BadNoSubscription);
            session.Requests.GiveBack(request);
            return;
        }

        session.Keep(request);
        if (session.HasNone)
            session.FaultAll(StatusCodes.BadNoSubscription);
        SubscriptionEngine.ServeLate(session);
    }

    private StatusCode Acknowledge(SessionSubscriptions session, uint subscriptionId, uint sequenceNumber)
    {
        if (!engine.TryFind(session, subscriptionId, out var subscription))
            return StatusCodes.BadSubscriptionIdInvalid;
        lock (subscription.Gate)
            return subscription.IsClosed ? StatusCodes.BadSubscriptionIdInvalid : subscription.Acknowledge(sequenceNumber);
    }

    private void Republish(RequestContext context, ref UaReader reader)
    {
        var id = reader.UInt32();
        var sequenceNumber = reader.UInt32();
        if (!reader.Status.IsGood)
        {
            context.Fault(reader.Status);
            return;
        }

        var status = StatusCodes.BadSubscriptionIdInvalid;
        var session = Of(context.ActiveSession);
        if (engine.TryFind(session, id, out var subscription))
        {
            lock (subscription.Gate)
            {
                if (!subscription.IsClosed && subscription.Session == session)
                {
                    status = StatusCodes.BadMessageNotAvailable;
                    if (subscription.TryRepublish(sequenceNumber, out var message))
                    {
                        var writer = context.Begin(EncodingIds.RepublishResponse);
                        writer.Bytes(message);
                        context.End(ref writer);
                        return;
                    }
                }
            }
        }

        context.Fault(status);
    }

    /// <summary>Does something with a subscription of the request's session; without one, the request is answered by a fault.</summary>
    private bool WithSubscription(RequestContext context, uint id, Action<Subscription> action)
    {
        var session = Of(context.ActiveSession);
        if (engine.TryFind(session, id, out var subscription))
        {
            lock (subscription.Gate)
            {
                if (!subscription.IsClosed && subscription.Session == session)
                {
                    subscription.KeepAlive();
                    action(subscription);
                    return true;
                }
            }
        }

        context.Fault(StatusCodes.BadSubscriptionIdInvalid);
        return false;
    }

    private bool TryCount<T>(RequestContext context, T[]? operations, out T[] some)
    {
        some = operations ?? [];
        if (some.Length > 0 && some.Length <= engine.Limits.MaxOperationsPerCall)
            return true;
        context.Fault(some.Length == 0 ? StatusCodes.BadNothingToDo : StatusCodes.BadTooManyOperations);
        return false;
    }
}
