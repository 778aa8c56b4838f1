using Insa.Iiot.Protocols.Amqp.Diagnostics;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Insa.Iiot.Protocols.Amqp.Telemetry;

/// <summary>
/// Consumes a queue by one channel. A message is read where it lies, in the client library's buffer, which is the library's again when the handler has
/// completed. Messages come one at a time; one for which there is no room keeps the next from coming, and the broker keeps those.
/// </summary>
internal sealed class TelemetryConsumer : IAsyncBasicConsumer, ISettlement
{
    private const string DeliveryCount = "x-delivery-count";
    private static readonly TimeSpan MinHold = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan MaxHold = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan SettleTime = TimeSpan.FromSeconds(30);

    // The broker ends a channel whose messages are not settled in 30 minutes.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(25);

    private readonly ConsumerContext _context;
    private readonly ConsumedQueue _binding;
    private readonly QueueMemory _memory;
    private readonly IMessageReader _reader;
    private readonly AckLedger _ledger;
    private readonly CancellationToken _stopping;
    private readonly TaskCompletionSource<string> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _isOver;

    public TelemetryConsumer(
        ConsumerContext context,
        ConsumedQueue binding,
        int prefetch,
        QueueMemory memory,
        IChannel channel,
        CancellationToken stopping
    )
    {
        (_context, _binding, _memory, Channel, _stopping) = (context, binding, memory, channel, stopping);
        _reader = memory.Source.OpenReader();
        _ledger = new AckLedger(this, binding.Owner, prefetch, _reader.IsContentWithDeadLetters, context.Metrics, context.Time);
        channel.CallbackExceptionAsync += (_, e) => EndAsync(e.Exception.GetType().Name);
    }

    public IChannel Channel { get; }

    /// <summary>What the broker calls it, once it consumes.</summary>
    public string? Tag { get; set; }

    /// <summary>Completes with the reason when the channel is of no more use.</summary>
    public Task<string> Ended => _ended.Task;

    /// <summary>Whether the pipeline has had no room for one message for as long as the broker waits.</summary>
    public bool WasHeldTooLong { get; private set; }

    /// <summary>Whether the pipeline has taken, or refused for good, any message.</summary>
    public bool HasTaken { get; private set; }

    /// <summary>Whether to end after the first message that is taken.</summary>
    public bool IsProbe { get; init; }

    /// <summary>Takes nothing more.</summary>
    public void Stop() => _isOver = true;

    /// <summary>Completes when all that was taken is settled, or cannot be.</summary>
    public Task WhenSettledAsync() => _ledger.WhenEmptyAsync();

    public Task HandleBasicDeliverAsync(
        string consumerTag,
        ulong deliveryTag,
        bool redelivered,
        string exchange,
        string routingKey,
        IReadOnlyBasicProperties properties,
        ReadOnlyMemory<byte> body,
        CancellationToken cancellationToken = default
    )
    {
        // Behind a message that was given up none may be acknowledged, as that would acknowledge it too.
        if (_isOver)
            return Task.CompletedTask;
        try
        {
            _context.Metrics.Received(_binding.Owner);
            if (redelivered && IsPoison(properties, body))
                return Refuse(deliveryTag, RefusalNames.DeliveryLimit);
            var sender = _reader.FindSender(routingKey, properties, body.Span);
            if (sender.Refusal is { } refusal)
                return Refuse(deliveryTag, refusal);
            if (sender.Session is not { } session)
                return ReadAndTakeAsync(deliveryTag, sender.Name.ToString(), properties, body);
            var receipt = _reader.Submit(session, properties, body.Span);
            if (IsToWait(receipt))
                return HoldAndTakeAsync(deliveryTag, session, receipt, properties, body);
            Take(deliveryTag, receipt, properties);
        }
        catch (Exception e)
        {
            Fail(e, body);
        }

        return Task.CompletedTask;
    }

    public Task HandleBasicCancelAsync(string consumerTag, CancellationToken cancellationToken = default) => EndAsync("the queue is gone");

    public Task HandleBasicCancelOkAsync(string consumerTag, CancellationToken cancellationToken = default) => Task.CompletedTask;

    public Task HandleBasicConsumeOkAsync(string consumerTag, CancellationToken cancellationToken = default) => Task.CompletedTask;

    public Task HandleChannelShutdownAsync(object channel, ShutdownEventArgs reason) => EndAsync(reason.ReplyText);

    async ValueTask ISettlement.AcknowledgeAsync(ulong tag)
    {
        try
        {
            await InTimeAsync(Channel.BasicAckAsync(tag, multiple: true, CancellationToken.None)).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            End(e.GetType().Name);
            throw;
        }
    }

    async ValueTask ISettlement.RejectAsync(ulong tag)
    {
        try
        {
            await InTimeAsync(Channel.BasicRejectAsync(tag, requeue: false, CancellationToken.None)).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            End(e.GetType().Name);
            throw;
        }
    }

    void ISettlement.Tell(ReplyAddress address, IngestReason reason) => _context.Replies.Offer(address, reason);

    private static bool IsToWait(in IngestReceipt receipt) =>
        receipt.Status is IngestStatus.Busy or IngestStatus.Throttled || receipt.Reason == IngestReason.TenantInactive;

    // A library whose writing has died waits for ever.
    private ValueTask InTimeAsync(ValueTask sent) =>
        sent.IsCompletedSuccessfully ? sent : new ValueTask(sent.AsTask().WaitAsync(SettleTime, _context.Time));

    // The broker counts deliveries of a quorum queue; what failed here is counted here, for queues of other kinds and limits.
    private bool IsPoison(IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body) =>
        (properties.Headers?.TryGetValue(DeliveryCount, out var count) == true && count is long times && times > _binding.DeliveryLimit)
        || _memory.Failed.CountOf(body.Span) >= _binding.DeliveryLimit;

    private Task Refuse(ulong deliveryTag, string reason)
    {
        _context.Metrics.Refused(_binding.Owner, reason);
        Take(new Delivery(deliveryTag, default, IsRefused: true));
        return Task.CompletedTask;
    }

    private void Take(ulong deliveryTag, in IngestReceipt receipt, IReadOnlyBasicProperties properties) =>
        Take(new Delivery(deliveryTag, receipt, IsRefused: false, _reader.FindReplyAddress(properties)));

    private void Take(in Delivery delivery)
    {
        HasTaken = true;
        _ledger.Add(delivery);
        if (IsProbe)
            End("there is room again");
    }

    // The body stays where it is until this completes.
    private async Task ReadAndTakeAsync(ulong deliveryTag, string name, IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body)
    {
        try
        {
            var session = await ReadDeviceAsync(name, _context.Time.GetTimestamp()).ConfigureAwait(false);
            if (session is null)
                await Refuse(deliveryTag, RefusalNames.UnknownDevice).ConfigureAwait(false);
            else
                await HoldAndTakeAsync(deliveryTag, session, _reader.Submit(session, properties, body.Span), properties, body)
                    .ConfigureAwait(false);
        }
        catch (Exception e)
        {
            GiveUp(e, body);
        }
    }

    private async Task HoldAndTakeAsync(
        ulong deliveryTag,
        DeviceSession session,
        IngestReceipt receipt,
        IReadOnlyBasicProperties properties,
        ReadOnlyMemory<byte> body
    )
    {
        try
        {
            var since = _context.Time.GetTimestamp();
            while (IsToWait(receipt))
            {
                await HoldAsync(session, receipt, since).ConfigureAwait(false);
                receipt = _reader.Submit(session, properties, body.Span);
            }

            Take(deliveryTag, receipt, properties);
        }
        catch (Exception e)
        {
            GiveUp(e, body);
        }
    }

    private void GiveUp(Exception e, ReadOnlyMemory<byte> body)
    {
        switch (e)
        {
            // The host stops, or the channel is not wanted any more. The message is not settled, and so comes again.
            case OperationCanceledException:
                End("stopped");
                break;
            case TimeoutException:
                WasHeldTooLong = true;
                End("held back for long");
                break;
            default:
                Fail(e, body);
                break;
        }
    }

    private async ValueTask<DeviceSession?> ReadDeviceAsync(string name, long since)
    {
        while (true)
        {
            try
            {
                return await _memory.Source.ReadSenderAsync(name, _stopping).ConfigureAwait(false);
            }
            catch (TelemetryStoreException e) when (e.IsTransient)
            {
                _context.Metrics.Held(_binding.Owner, "store_unavailable");
                await DelayAsync(MaxHold, since, "store_unavailable").ConfigureAwait(false);
            }
        }
    }

    private async ValueTask HoldAsync(DeviceSession session, IngestReceipt receipt, long since)
    {
        var reason = RefusalNames.Of(receipt.Reason);
        _context.Metrics.Held(_binding.Owner, reason);
        if (receipt.Reason == IngestReason.LaneFull)
        {
            var left = Patience - _context.Time.GetElapsedTime(since);
            await _context
                .Ingress.WaitForCapacityAsync(session, _stopping)
                .AsTask()
                .WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, _context.Time, _stopping)
                .ConfigureAwait(false);
            return;
        }

        var delay = receipt.RetryAfter < MinHold ? MinHold : receipt.RetryAfter;
        await DelayAsync(delay > MaxHold ? MaxHold : delay, since, reason).ConfigureAwait(false);
    }

    private async ValueTask DelayAsync(TimeSpan delay, long since, string reason)
    {
        if (_context.Time.GetElapsedTime(since) > Patience)
        {
            _context.Logger.HeldBack(_binding.Queue, _binding.Owner, reason);
            throw new TimeoutException("The queue was held back for long; its messages are given back to the broker.");
        }

        await Task.Delay(delay, _context.Time, _stopping).ConfigureAwait(false);
    }

    // Nothing may escape to the library, which would leave the message unsettled for ever.
    private void Fail(Exception e, ReadOnlyMemory<byte> body)
    {
        _memory.Failed.Add(body.Span);
        _context.Logger.DeliveryFailed(e, _binding.Queue);
        End(e.GetType().Name);
    }

    private Task EndAsync(string reason)
    {
        End(reason);
        return Task.CompletedTask;
    }

    private void End(string reason)
    {
        _isOver = true;
        _ended.TrySetResult(reason);
    }
}
