using Insa.Iiot.Protocols.Amqp.Connections;
using Insa.Iiot.Protocols.Amqp.Diagnostics;
using Insa.Iiot.Protocols.Amqp.Topology;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Insa.Iiot.Protocols.Amqp.Commands;

/// <summary>
/// Takes the answers to a tenant's commands, one after the other: each is acknowledged when it is kept, and goes to the dead letters if it never can be.
/// While the store is away the queue waits.
/// </summary>
internal sealed class ResponseConsumer(AmqpCommandBinding binding, CommandContext context)
{
    private const ushort Prefetch = 16;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan HoldDelay = TimeSpan.FromSeconds(2);

    // The broker ends a channel whose messages are not settled in 30 minutes.
    private static readonly TimeSpan MaxHold = TimeSpan.FromMinutes(25);

    private readonly string _queue = CommandTopology.ResponseQueueOf(binding);
    private bool _isTold;

    private string Tie => $"answers {_queue}";

    /// <summary>Consumes by a channel that is made anew when it ends, as long as the connection lives.</summary>
    public async Task RunAsync(IConnection connection, CancellationToken stopping)
    {
        var backoff = new Backoff(context.Options.MaxReconnectDelay, context.Time);
        while (!stopping.IsCancellationRequested && connection.IsOpen)
        {
            var since = context.Time.GetTimestamp();
            try
            {
                await ConsumeAsync(connection, stopping).ConfigureAwait(false);
            }
            catch (Exception e) when (!stopping.IsCancellationRequested && connection.IsOpen)
            {
                Tell(BrokerFailure.ReasonOf(e));
            }
            catch (Exception)
            {
                return; // with the host, or with its connection
            }

            if (context.Time.GetElapsedTime(since) > context.Options.MaxReconnectDelay)
                backoff.Reset();
            await backoff.WaitAsync(stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        context.Health.Forget(Tie);
    }

    private async Task ConsumeAsync(IConnection connection, CancellationToken stopping)
    {
        // By a channel of its own: the broker closes one by which something was declared that differs.
        var preparing = await connection.CreateChannelAsync(cancellationToken: stopping).ConfigureAwait(false);
        await using (preparing.ConfigureAwait(false))
        {
            await CommandTopology
                .PrepareResponsesAsync(preparing, _queue, binding.Tenant, context.Options.DeclaresTopology, stopping)
                .WaitAsync(Patience, context.Time, stopping)
                .ConfigureAwait(false);
        }

        var channel = await connection.CreateChannelAsync(new CreateChannelOptions(false, false, null, 1), stopping).ConfigureAwait(false);
        await using (channel.ConfigureAwait(false))
        {
            await channel.BasicQosAsync(0, Prefetch, global: false, stopping).ConfigureAwait(false);
            var ended = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
            channel.ChannelShutdownAsync += (_, reason) => EndAsync(reason.ReplyText);
            var consumer = new AsyncEventingBasicConsumer(channel);
            consumer.ReceivedAsync += (_, delivery) => TakeAsync(channel, delivery, ended, stopping);
            consumer.UnregisteredAsync += (_, _) => EndAsync("the queue is gone");
            using var stop = stopping.Register(() => ended.TrySetResult(""));
            await channel.BasicConsumeAsync(_queue, autoAck: false, consumer, stopping).ConfigureAwait(false);
            context.Health.Up(Tie);
            context.Logger.Consuming(_queue, binding.Tenant.Value);
            _isTold = false;
            var why = await ended.Task.ConfigureAwait(false);
            if (!stopping.IsCancellationRequested && connection.IsOpen)
                Tell(why);

            Task EndAsync(string reason)
            {
                ended.TrySetResult(reason);
                return Task.CompletedTask;
            }
        }
    }

    // Nothing may escape to the library, which would leave the message unsettled for ever.
    private async Task TakeAsync(
        IChannel channel,
        BasicDeliverEventArgs delivery,
        TaskCompletionSource<string> ended,
        CancellationToken stopping
    )
    {
        if (ended.Task.IsCompleted)
            return;
        try
        {
            context.Metrics.Received(binding.Tenant.Value);
            var refusal = await AnswerAsync(delivery, stopping).ConfigureAwait(false);
            if (refusal is not null)
                context.Metrics.Refused(binding.Tenant.Value, refusal);
            var settled = refusal is null
                ? channel.BasicAckAsync(delivery.DeliveryTag, multiple: false, CancellationToken.None)
                : channel.BasicRejectAsync(delivery.DeliveryTag, requeue: false, CancellationToken.None);
            await settled.AsTask().WaitAsync(Patience, context.Time, stopping).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            if (!stopping.IsCancellationRequested && channel.IsOpen)
                context.Logger.DeliveryFailed(e, _queue);
            ended.TrySetResult(e.GetType().Name);
        }
    }

    /// <returns>Why it is refused; <see langword="null"/> if it is kept.</returns>
    private async ValueTask<string?> AnswerAsync(BasicDeliverEventArgs delivery, CancellationToken stopping)
    {
        var refusal = ResponseReader.TryRead(
            binding.Tenant,
            delivery.RoutingKey,
            delivery.BasicProperties,
            delivery.Body,
            out var name,
            out var answer
        );
        if (refusal is not null)
            return refusal;
        var since = context.Time.GetTimestamp();
        while (true)
        {
            try
            {
                var command = await context
                    .Commands.AnswerAsync(binding.Tenant, name.Device, name.Id, answer!, stopping)
                    .ConfigureAwait(false);
                return command?.State switch
                {
                    null => "command_unknown",
                    DeviceCommandState.Expired or DeviceCommandState.Cancelled => "command_over",
                    _ => null,
                };
            }
            catch (TelemetryStoreException e) when (e.IsTransient && context.Time.GetElapsedTime(since) < MaxHold)
            {
                context.Metrics.Held(binding.Tenant.Value, "store_unavailable");
                await Task.Delay(HoldDelay, context.Time, stopping).ConfigureAwait(false);
            }
        }
    }

    private void Tell(string reason)
    {
        context.Health.Down(Tie, reason);
        if (!_isTold)
            context.Logger.QueueUnusable(_queue, binding.Tenant.Value, reason);
        _isTold = true;
    }
}
