using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Subscriptions;

internal sealed partial class Subscription
{
    private uint _sequenceNumber;
    private uint _silentTicks;
    private uint _ticksWithoutRequest;
    private uint _overflows;
    private uint _eventOverflows;
    private uint _notifications;
    private uint _eventNotifications;
    private uint _publishes;
    private uint _republishRequests;
    private uint _republishes;
    private uint _enables;
    private uint _disables;
    private uint _modifies;
    private uint _lates;
    private uint _transfers;
    private uint _transfersToSameClient;

    /// <summary>When the next tick is, on the engine's clock. Readable without the lock.</summary>
    public long DueAtMs { get; private set; }

    /// <summary>Whether it has something to send and lacks a Publish request. Readable without the lock.</summary>
    public bool IsLate { get; private set; }

    /// <summary>Counts what was sent to the session, so that equals take turns. Readable without the lock.</summary>
    public long ServedAt { get; private set; }

    private uint NextSequenceNumber => _sequenceNumber == uint.MaxValue ? 1 : _sequenceNumber + 1;

    public void Modify(in SubscriptionSettings settings)
    {
        if (settings.PublishingMs != Settings.PublishingMs)
            DueAtMs = _engine.NowMs + settings.PublishingMs;
        Settings = settings;
        _modifies++;
        KeepAlive();
    }

    public void SetPublishing(bool isEnabled)
    {
        IsPublishingEnabled = isEnabled;
        if (isEnabled)
            _enables++;
        else
            _disables++;
    }

    /// <summary>A service has used it: its lifetime begins anew.</summary>
    public void KeepAlive() => _ticksWithoutRequest = 0;

    /// <summary>A publishing interval is over.</summary>
    /// <returns><see langword="false"/> if the subscription has lived too long without Publish requests.</returns>
    public bool Tick(long now)
    {
        // A tick that comes late, or after others were missed, moves none of the later ones.
        DueAtMs += Settings.PublishingMs * Math.Max(1, (now - DueAtMs) / Settings.PublishingMs + 1);
        SamplePending(now);
        if (Session is { Requests.Count: > 0 })
            _ticksWithoutRequest = 0;
        else if (++_ticksWithoutRequest >= Settings.LifetimeCount)
            return false;

        _silentTicks++;
        if (IsLate || HasNotifications || _silentTicks >= Settings.MaxKeepAliveCount)
            Serve();
        return true;
    }

    /// <summary>Sends what is to be sent as long as there are Publish requests.</summary>
    public void Serve()
    {
        if (Session is not { } session)
        {
            BeLate();
            return;
        }

        while (true)
        {
            var hasNotifications = HasNotifications;
            if (!hasNotifications && _silentTicks < Settings.MaxKeepAliveCount)
            {
                IsLate = false;
                return;
            }

            if (session.Requests.TakeOldest() is not { } request)
            {
                BeLate();
                return;
            }

            if (hasNotifications)
                SendNotifications(session, request);
            else
                SendKeepAlive(session, request);
            (_silentTicks, _ticksWithoutRequest) = (0, 0);
            ServedAt = _engine.NextTurn();
        }
    }

    public StatusCode Acknowledge(uint sequenceNumber)
    {
        KeepAlive();
        return Unacknowledged.Acknowledge(sequenceNumber) ? StatusCodes.Good : StatusCodes.BadSequenceNumberUnknown;
    }

    public bool TryRepublish(uint sequenceNumber, out ReadOnlySpan<byte> message)
    {
        KeepAlive();
        _republishRequests++;
        if (!Unacknowledged.TryFind(sequenceNumber, out message))
            return false;
        _republishes++;
        return true;
    }

    /// <summary>A message about the end of the subscription, for a session that loses it. It takes no number.</summary>
    public byte[] MakeStatusChange(StatusCode status)
    {
        using var output = new PooledOutput();
        var writer = new UaWriter(output);
        writer.UInt32(NextSequenceNumber);
        writer.DateTime(_engine.UaNow);
        writer.ArrayLength(1);
        writer.ExtensionObject(new StatusChangeNotification { Status = status });
        writer.Flush();
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Gives it to another session, or to none.</summary>
    public void MoveTo(SessionSubscriptions? session)
    {
        if (session is not null)
        {
            _transfers++;
            if (Owner.IsSameAs(session.Identity))
                _transfersToSameClient++;
            (Owner, OwnerApplication) = (session.Identity, session.ApplicationUri);
        }
        else
        {
            Owner = Reader;
        }

        Session = session;
        KeepAlive();
    }

    /// <summary>
    /// What has happened so far. Called without the lock, and maybe with that of another subscription: an item may watch the diagnostics. The counts are
    /// those of about now.
    /// </summary>
    public SubscriptionDiagnosticsDataType Diagnose() =>
        new()
        {
            SessionId = Session?.Session.Id ?? default,
            SubscriptionId = Id,
            Priority = Settings.Priority,
            PublishingInterval = Settings.PublishingMs,
            MaxKeepAliveCount = Settings.MaxKeepAliveCount,
            MaxLifetimeCount = Settings.LifetimeCount,
            MaxNotificationsPerPublish = (uint)Settings.MaxNotificationsPerPublish,
            PublishingEnabled = IsPublishingEnabled,
            ModifyCount = _modifies,
            EnableCount = _enables,
            DisableCount = _disables,
            RepublishRequestCount = _republishRequests,
            RepublishMessageRequestCount = _republishRequests,
            RepublishMessageCount = _republishes,
            TransferRequestCount = _transfers,
            TransferredToAltClientCount = _transfers - _transfersToSameClient,
            TransferredToSameClientCount = _transfersToSameClient,
            PublishRequestCount = _publishes,
            DataChangeNotificationsCount = _notifications,
            EventNotificationsCount = _eventNotifications,
            NotificationsCount = _notifications + _eventNotifications,
            LatePublishRequestCount = _lates,
            CurrentKeepAliveCount = _silentTicks,
            CurrentLifetimeCount = _ticksWithoutRequest,
            UnacknowledgedMessageCount = (uint)Unacknowledged.Count,
            DiscardedMessageCount = Unacknowledged.Discarded,
            MonitoredItemCount = (uint)_items.Count,
            DisabledMonitoredItemCount = (uint)_disabled,
            MonitoringQueueOverflowCount = _overflows,
            EventQueueOverFlowCount = _eventOverflows,
            NextSequenceNumber = NextSequenceNumber,
        };

    /// <summary>Begins to count anew.</summary>
    public void ResetCounts()
    {
        (_overflows, _notifications, _publishes, _republishRequests, _republishes) = (0, 0, 0, 0, 0);
        (_modifies, _enables, _disables, _lates, _transfers, _transfersToSameClient) = (0, 0, 0, 0, 0, 0);
        (_eventOverflows, _eventNotifications) = (0, 0);
    }

    private bool HasNotifications => IsPublishingEnabled && FirstReportable() is not null;

    private void BeLate()
    {
        if (!IsLate)
            _lates++;
        IsLate = true;
    }

    // A keep-alive has the number of the message that comes next and does not take it (Part 4 §5.14.1.1).
    private void SendKeepAlive(SessionSubscriptions session, LinkedListNode<PublishRequest> request)
    {
        var writer = Begin(request.Value, more: false);
        writer.UInt32(NextSequenceNumber);
        writer.DateTime(_engine.UaNow);
        writer.ArrayLength(0);
        End(session, request, ref writer);
    }

    private void SendNotifications(SessionSubscriptions session, LinkedListNode<PublishRequest> request)
    {
        var message = _engine.RentOutput();
        WriteNotifications(message, session.MaxMessageBytes);
        var buffer = message.Detach(out var length);
        _engine.GiveBack(message);
        if (Unacknowledged.Add(_sequenceNumber, buffer, length) is var discarded and > 0)
            _engine.Metrics.MessagesDiscarded(discarded);

        var writer = Begin(request.Value, more: HasNotifications);
        writer.Bytes(buffer.AsSpan(0, length));
        End(session, request, ref writer);
    }

    // Values and events are two lists of one message (Part 4 §7.25): the events are put together beside it, and come after the values.
    private void WriteNotifications(PooledOutput message, int maxBytes)
    {
        _sequenceNumber = NextSequenceNumber;
        var writer = new UaWriter(message);
        writer.UInt32(_sequenceNumber);
        writer.DateTime(_engine.UaNow);
        writer.Flush();
        var listsAt = message.Length;
        writer.ArrayLength(0);
        writer.Flush();

        using var events = EventItems == 0 ? null : new PooledOutput();
        var (values, happened) = (new NotificationList(message), new NotificationList(events));
        while (
            values.Count + happened.Count < Settings.MaxNotificationsPerPublish
            && message.Length + (events?.Length ?? 0) < maxBytes
            && FirstReportable() is { } item
        )
        {
            if (item is EventItem eventItem)
            {
                happened.BeginItem(EncodingIds.EventNotificationList);
                Write(events!, eventItem, maxBytes / 2);
            }
            else
            {
                var value = (ValueItem)item;
                values.BeginItem(EncodingIds.DataChangeNotification);
                Write(message, value.Settings.ClientHandle, value.Oldest());
            }

            item.DropOldest();
        }

        if (values.Count > 0)
        {
            // Its diagnostics: none.
            writer = new UaWriter(message);
            writer.NullArray();
            writer.Flush();
        }

        values.End();
        happened.End();
        if (events is not null)
        {
            writer = new UaWriter(message);
            writer.Bytes(events.WrittenSpan);
            writer.Flush();
        }

        message.Patch(listsAt, (values.Count > 0 ? 1 : 0) + (happened.Count > 0 ? 1 : 0));
        _notifications += (uint)values.Count;
        _eventNotifications += (uint)happened.Count;
        _engine.Metrics.Notified(values.Count + happened.Count);
    }

    // Part 4 §7.22.3: a field that cannot be told, here for its size, is a status code in its place.
    private static void Write(PooledOutput events, EventItem item, int maxBytes)
    {
        var end = events.Length + maxBytes;
        var writer = new UaWriter(events);
        writer.UInt32(item.Settings.ClientHandle);
        var count = item.Query.FieldCount;
        writer.ArrayLength(count);
        writer.Flush();
        for (var i = 0; i < count; i++)
        {
            var start = events.Length;
            writer = new UaWriter(events);
            writer.Variant(item.Query.FieldOf(item.Oldest, i));
            writer.Flush();
            if (writer.Status.IsGood && events.Length <= end)
                continue;
            events.Truncate(start);
            writer = new UaWriter(events);
            writer.Variant(Variant.Of(StatusCodes.BadEncodingLimitsExceeded));
            writer.Flush();
        }
    }

    // A value that fits into no message is reported as that.
    private static void Write(PooledOutput message, uint clientHandle, DataValue value)
    {
        var start = message.Length;
        while (true)
        {
            var writer = new UaWriter(message);
            writer.UInt32(clientHandle);
            writer.DataValue(value);
            writer.Flush();
            if (writer.Status.IsGood)
                return;
            message.Truncate(start);
            value = value with { Value = default, Status = StatusCodes.BadEncodingLimitsExceeded };
        }
    }

    private UaWriter Begin(PublishRequest request, bool more)
    {
        _publishes++;
        var writer = request.Context!.Begin(EncodingIds.PublishResponse);
        writer.UInt32(Id);
        Unacknowledged.WriteSequenceNumbers(ref writer);
        writer.Boolean(more);
        return writer;
    }

    private static void End(SessionSubscriptions session, LinkedListNode<PublishRequest> request, ref UaWriter writer)
    {
        request.Value.WriteResults(ref writer);
        writer.NullArray();
        var context = request.Value.Context!;
        context.End(ref writer);
        session.Requests.GiveBack(request);
    }
}
