using Insa.Iiot.Protocols.Amqp.Connections;
using Insa.Iiot.Protocols.Amqp.Diagnostics;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Insa.Iiot.Protocols.Amqp.Telemetry;

/// <summary>
/// Consumes one queue by its channels, as long as the connection lives: when one of them ends, all of this queue are made anew, and no other queue's.
/// </summary>
internal sealed class QueueConsumer(
    IConnection connection,
    ConsumedQueue binding,
    QueueMemory memory,
    AmqpOptions options,
    ConsumerContext context,
    BrokerHealth health
)
{
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan CloseTime = TimeSpan.FromSeconds(5);

    private readonly TaskCompletionSource _tried = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isHeld;
    private bool _isTold;

    /// <summary>Completes when the first attempt has succeeded or failed.</summary>
    public Task Tried => _tried.Task;

    /// <summary>Whether it is consumed.</summary>
    public bool IsConsuming { get; private set; }

    private string Tie => $"queue {binding.Queue} of {binding.VirtualHost}";

    public async Task RunAsync(CancellationToken stopping)
    {
        if (memory.HasFailed)
        {
            // The others have their connection for some time before it may be taken down again.
            _tried.TrySetResult();
            await memory.Pause.WaitAsync(stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        while (!stopping.IsCancellationRequested && connection.IsOpen)
        {
            var since = context.Time.GetTimestamp();
            var consumers = new List<TelemetryConsumer>();
            memory.HasFailed = true;
            try
            {
                await StartAsync(consumers, stopping).ConfigureAwait(false);
                Started();
                var reason = await EndAsync(consumers, stopping).ConfigureAwait(false);
                if (!stopping.IsCancellationRequested && connection.IsOpen && !_isHeld && !consumers[0].IsProbe)
                {
                    context.Logger.QueueLost(binding.Queue, binding.Owner, reason);
                    health.Down(Tie, reason);
                }
            }
            catch (Exception e) when (!stopping.IsCancellationRequested)
            {
                if (connection.IsOpen)
                    Unusable(e);
            }
            catch (Exception)
            {
                // The host stops.
            }

            IsConsuming = false;
            await CloseAsync(consumers).ConfigureAwait(false);
            _tried.TrySetResult();
            if (!memory.HasFailed && context.Time.GetElapsedTime(since) > options.MaxReconnectDelay)
                memory.Pause.Reset();
            if (!stopping.IsCancellationRequested && connection.IsOpen)
                await memory.Pause.WaitAsync(stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        health.Forget(Tie);
    }

    private void Started()
    {
        // Before the first attempt has ended, the connection tells of all its queues.
        if (Tried.IsCompleted && !_isHeld)
            context.Logger.Consuming(binding.Queue, binding.Owner);
        IsConsuming = true;
        memory.HasFailed = false;
        _isTold = false;
        health.Up(Tie);
        _tried.TrySetResult();
    }

    private void Unusable(Exception e)
    {
        var reason = BrokerFailure.ReasonOf(e);
        health.Down(Tie, reason);
        if (_isTold)
            return;
        _isTold = true;
        if (e is OperationInterruptedException { ShutdownReason.ReplyCode: Constants.PreconditionFailed })
            context.Logger.TopologyDiffers(binding.Queue, reason);
        else
            context.Logger.QueueUnusable(binding.Queue, binding.Owner, reason);
    }

    // What had no room for long is tried again with one message, as each attempt counts against those that take part.
    private async Task StartAsync(List<TelemetryConsumer> consumers, CancellationToken stopping)
    {
        await PrepareAsync(stopping).ConfigureAwait(false);
        var prefetch = _isHeld ? 1 : binding.Prefetch;
        for (var i = 0; i < (_isHeld ? 1 : binding.Channels); i++)
        {
            var channel = await connection
                .CreateChannelAsync(new CreateChannelOptions(false, false, null, 1), CancellationToken.None)
                .WaitAsync(DrainTime, context.Time, stopping)
                .ConfigureAwait(false);
            var consumer = new TelemetryConsumer(context, binding, prefetch, memory, channel, stopping) { IsProbe = _isHeld };
            consumers.Add(consumer);
            await channel
                .BasicQosAsync(0, (ushort)prefetch, global: false, CancellationToken.None)
                .WaitAsync(DrainTime, context.Time, stopping)
                .ConfigureAwait(false);
            consumer.Tag = await channel
                .BasicConsumeAsync(binding.Queue, autoAck: false, consumer, CancellationToken.None)
                .WaitAsync(DrainTime, context.Time, stopping)
                .ConfigureAwait(false);
        }
    }

    // By a channel of its own: the broker closes one by which something was declared that differs.
    private async Task PrepareAsync(CancellationToken stopping)
    {
        var channel = await connection
            .CreateChannelAsync(cancellationToken: CancellationToken.None)
            .WaitAsync(DrainTime, context.Time, stopping)
            .ConfigureAwait(false);
        try
        {
            await binding
                .PrepareAsync(channel, options.DeclaresTopology, CancellationToken.None)
                .WaitAsync(DrainTime, context.Time, stopping)
                .ConfigureAwait(false);
        }
        finally
        {
            await CloseAsync(channel).ConfigureAwait(false);
        }
    }

    /// <returns>Why it has ended.</returns>
    private async Task<string> EndAsync(List<TelemetryConsumer> consumers, CancellationToken stopping)
    {
        // One may have ended before its consumer was known to it.
        if (consumers.FirstOrDefault(consumer => !consumer.Channel.IsOpen) is { } closed)
            return closed.Channel.CloseReason?.ReplyText ?? "it was closed at once";
        var stopped = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var stop = stopping.Register(() => stopped.TrySetResult("the host stops"));
        var ended = await Task.WhenAny([stopped.Task, .. consumers.Select(consumer => consumer.Ended)]).ConfigureAwait(false);
        var isProbe = consumers[0].IsProbe;
        var hasRoom = consumers[0].HasTaken;
        _isHeld = isProbe ? !hasRoom : consumers.Any(consumer => consumer.WasHeldTooLong);
        return await ended.ConfigureAwait(false);
    }

    // No more is taken; what was taken is acknowledged as far as it is committed in time.
    private async Task CloseAsync(List<TelemetryConsumer> consumers)
    {
        foreach (var consumer in consumers)
        {
            consumer.Stop();
            await CancelAsync(consumer).ConfigureAwait(false);
        }

        var settled = Task.WhenAll(consumers.Where(consumer => consumer.Channel.IsOpen).Select(consumer => consumer.WhenSettledAsync()));
        await settled.WaitAsync(DrainTime, context.Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var consumer in consumers)
            await CloseAsync(consumer.Channel).ConfigureAwait(false);
    }

    private async Task CancelAsync(TelemetryConsumer consumer)
    {
        if (consumer.Tag is null || !consumer.Channel.IsOpen)
            return;
        try
        {
            await consumer
                .Channel.BasicCancelAsync(consumer.Tag, cancellationToken: CancellationToken.None)
                .WaitAsync(CloseTime, context.Time)
                .ConfigureAwait(false);
        }
        catch (Exception)
        {
            // It closes while we ask, or with its connection.
        }
    }

    private async Task CloseAsync(IChannel channel)
    {
        if (!channel.IsOpen)
            return;
        try
        {
            await channel.CloseAsync(CancellationToken.None).WaitAsync(CloseTime, context.Time).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // It closes while we ask, or with its connection.
        }
    }
}
