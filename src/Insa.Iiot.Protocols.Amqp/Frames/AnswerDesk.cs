using System.Collections.Concurrent;
using System.Globalization;
using Insa.Iiot.Protocols.Amqp.Connections;
using Insa.Iiot.Protocols.Amqp.Diagnostics;
using Insa.Iiot.Protocols.Amqp.Publishing;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;

namespace Insa.Iiot.Protocols.Amqp.Frames;

/// <summary>
/// Where writers answer that frames are stored: a queue of this host alone, by a connection of its own, made again when it is lost. What was asked over a
/// lost one is not answered any more. Thread-safe.
/// </summary>
internal sealed class AnswerDesk : IAsyncDisposable
{
    private readonly PublisherContext _context;
    private readonly string _virtualHost;
    private readonly ConcurrentDictionary<string, TaskCompletionSource<IngestReason>> _waiting = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _work;
    private readonly string _id = Guid.NewGuid().ToString("N");
    private volatile TaskCompletionSource<string> _queue = MakeQueue();
    private long _last;

    public AnswerDesk(PublisherContext context, string virtualHost)
    {
        (_context, _virtualHost) = (context, virtualHost);
        _work = Task.Run(RunAsync);
    }

    /// <summary>The queue to answer to, as soon as there is one.</summary>
    public Task<string> FindQueueAsync() => _queue.Task;

    /// <summary>Begins to wait for an answer.</summary>
    /// <param name="correlationId">What the answer says that it is to. Nobody else knows it.</param>
    public Task<IngestReason> ExpectAsync(out string correlationId)
    {
        correlationId = string.Create(CultureInfo.InvariantCulture, $"{_id}-{Interlocked.Increment(ref _last)}");
        var answer = new TaskCompletionSource<IngestReason>(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting[correlationId] = answer;
        return answer.Task;
    }

    /// <summary>Waits no more.</summary>
    public void Forget(string correlationId)
    {
        if (_waiting.TryRemove(correlationId, out var answer))
            answer.TrySetCanceled();
    }

    /// <summary>Takes an answer.</summary>
    public void Answer(string? correlationId, ReadOnlySpan<byte> answer)
    {
        if (correlationId is not null && _waiting.TryRemove(correlationId, out var waiting))
            waiting.TrySetResult(EndToEndAnswer.Read(answer));
    }

    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
            return;
        await _stop.CancelAsync().ConfigureAwait(false);
        await _work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private static TaskCompletionSource<string> MakeQueue() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task RunAsync()
    {
        var backoff = new Backoff(_context.Options.Value.MaxReconnectDelay, _context.Time);
        var isTold = false;
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var connection = await _context.Connector.ConnectAsync(_virtualHost, "answers", _stop.Token).ConfigureAwait(false);
                await using (connection.ConfigureAwait(false))
                {
                    var reason = await ConsumeAsync(connection, backoff).ConfigureAwait(false);
                    isTold = false;
                    if (!_stop.IsCancellationRequested)
                        _context.Logger.Lost(_context.Connector.Name, reason);
                }
            }
            catch (Exception e) when (!_stop.IsCancellationRequested)
            {
                if (!isTold)
                    _context.Logger.Unreachable(_context.Connector.Name, BrokerFailure.ReasonOf(e));
                isTold = true;
            }

            LoseAll();
            await backoff.WaitAsync(_stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <returns>Why it has ended.</returns>
    private async Task<string> ConsumeAsync(IConnection connection, Backoff backoff)
    {
        var ended = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var stop = _stop.Token.Register(() => ended.TrySetResult("the host stops"));
        connection.ConnectionShutdownAsync += (_, reason) =>
        {
            ended.TrySetResult(reason.ReplyText);
            return Task.CompletedTask;
        };
        var channel = await connection
            .CreateChannelAsync(new CreateChannelOptions(false, false, null, 1), _stop.Token)
            .ConfigureAwait(false);
        var declared = await channel
            .QueueDeclareAsync("", durable: false, exclusive: true, autoDelete: true, cancellationToken: _stop.Token)
            .ConfigureAwait(false);
        var consumer = new AnswerConsumer(this, channel) { Ended = reason => ended.TrySetResult(reason) };
        await channel.BasicConsumeAsync(declared.QueueName, autoAck: true, consumer, _stop.Token).ConfigureAwait(false);
        backoff.Reset();
        _queue.TrySetResult(declared.QueueName);
        return await ended.Task.ConfigureAwait(false);
    }

    private void LoseAll()
    {
        if (_queue.Task.IsCompleted)
            _queue = MakeQueue();
        foreach (var correlationId in _waiting.Keys)
            Forget(correlationId);
    }
}
