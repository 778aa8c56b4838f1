using Insa.Iiot.Protocols.Amqp.Connections;
using Insa.Iiot.Protocols.Amqp.Diagnostics;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;

namespace Insa.Iiot.Protocols.Amqp.Telemetry;

/// <summary>Keeps the queues of one virtual host consumed, by one connection that is made anew whenever it ends.</summary>
internal sealed class VirtualHostConsumer(
    string virtualHost,
    BrokerConnector connector,
    AmqpOptions options,
    ConsumerContext context,
    BrokerHealth health
)
{
    private static readonly TimeSpan CloseTime = TimeSpan.FromSeconds(5);

    private readonly Lock _sync = new();
    private readonly Dictionary<ConsumedQueue, QueueMemory> _memories = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IReadOnlyList<ConsumedQueue> _wanted = [];
    private bool _isTold;

    private string Tie => $"consuming {virtualHost}";

    /// <summary>Says which queues are to be consumed from now on.</summary>
    public void Want(IReadOnlyList<ConsumedQueue> bindings)
    {
        lock (_sync)
        {
            if (_wanted.SequenceEqual(bindings))
                return;
            _wanted = bindings;
            _changed.TrySetResult();
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public async Task RunAsync(CancellationToken stopping)
    {
        var backoff = new Backoff(options.MaxReconnectDelay, context.Time);
        while (!stopping.IsCancellationRequested)
        {
            var (wanted, changed) = Look();
            if (wanted.Count == 0)
            {
                health.Forget(Tie);
                await changed.WaitAsync(stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                continue;
            }

            var since = context.Time.GetTimestamp();
            await ConnectAsync(stopping).ConfigureAwait(false);
            if (context.Time.GetElapsedTime(since) > options.MaxReconnectDelay)
                backoff.Reset();
            await backoff.WaitAsync(stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        health.Forget(Tie);
    }

    private async Task ConnectAsync(CancellationToken stopping)
    {
        try
        {
            if (!_isTold)
                health.Down(Tie, "not connected yet");
            var connection = await connector.ConnectAsync(virtualHost, "telemetry", stopping).ConfigureAwait(false);
            context.Metrics.ConnectionsChanged(1);
            try
            {
                var reason = await ConsumeAsync(connection, stopping).ConfigureAwait(false);
                if (stopping.IsCancellationRequested || reason.Length == 0)
                    return;
                health.Down(Tie, reason);
                context.Logger.Lost(connector.Name, reason);
            }
            finally
            {
                context.Metrics.ConnectionsChanged(-1);
                await CloseAsync(connection).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (!stopping.IsCancellationRequested)
        {
            // Told once: a broker that is away is away for many attempts.
            var reason = BrokerFailure.ReasonOf(e);
            health.Down(Tie, reason);
            if (!_isTold)
                context.Logger.Unreachable(connector.Name, reason);
            _isTold = true;
        }
        catch (Exception)
        {
            // The host stops.
        }
    }

    /// <returns>Why it has ended; empty when there is nothing to consume any more.</returns>
    private async Task<string> ConsumeAsync(IConnection connection, CancellationToken stopping)
    {
        var ended = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var stop = stopping.Register(() => ended.TrySetResult("the host stops"));
        connection.ConnectionShutdownAsync += (_, reason) => End(reason.ReplyText);
        connection.CallbackExceptionAsync += (_, e) => End(e.Exception.GetType().Name);

        // It may have ended before anybody listened.
        if (!connection.IsOpen)
            ended.TrySetResult(connection.CloseReason?.ReplyText ?? "it was closed at once");
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var running = new Dictionary<ConsumedQueue, RunningQueue>();
        try
        {
            while (!ended.Task.IsCompleted)
            {
                var (wanted, changed) = Look();
                var dropped = running.Keys.Except(wanted).ToList();
                await Task.WhenAll(dropped.Select(binding => running[binding].StopAsync())).ConfigureAwait(false);
                dropped.ForEach(binding => running.Remove(binding));
                if (wanted.Count == 0)
                    return "";
                foreach (var binding in wanted.Where(binding => !running.ContainsKey(binding)))
                    running.Add(binding, Start(connection, binding, over.Token));
                if (health.Troubles.ContainsKey(Tie))
                    await ToldAsync(running, ended.Task).ConfigureAwait(false);
                await Task.WhenAny(ended.Task, changed).ConfigureAwait(false);
            }
        }
        finally
        {
            await Task.WhenAll(running.Values.Select(queue => queue.StopAsync())).ConfigureAwait(false);
        }

        return await ended.Task.ConfigureAwait(false);

        Task End(string reason)
        {
            ended.TrySetResult(reason);
            return Task.CompletedTask;
        }
    }

    private RunningQueue Start(IConnection connection, ConsumedQueue binding, CancellationToken over)
    {
        if (!_memories.TryGetValue(binding, out var memory))
            _memories.Add(binding, memory = new QueueMemory(binding, context));
        return new RunningQueue(new QueueConsumer(connection, binding, memory, options, context, health), over);
    }

    private async Task ToldAsync(Dictionary<ConsumedQueue, RunningQueue> running, Task ended)
    {
        var tried = Task.WhenAll(running.Values.Select(queue => queue.Consumer.Tried));
        if (await Task.WhenAny(tried, ended).ConfigureAwait(false) == ended)
            return;
        health.Up(Tie);
        _isTold = false;
        var consumed = running.Where(queue => queue.Value.Consumer.IsConsuming).Select(queue => queue.Key.Queue);
        context.Logger.Connected(connector.Name, virtualHost, string.Join(", ", consumed));
    }

    private (IReadOnlyList<ConsumedQueue> Wanted, Task Changed) Look()
    {
        lock (_sync)
        {
            foreach (var binding in _memories.Keys.Except(_wanted).ToList())
                _memories.Remove(binding);
            return (_wanted, _changed.Task);
        }
    }

    private async Task CloseAsync(IConnection connection)
    {
        try
        {
            await connection.DisposeAsync().AsTask().WaitAsync(CloseTime, context.Time).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // It is closed, or will be: nothing of ours is on it any more.
        }
    }
}
