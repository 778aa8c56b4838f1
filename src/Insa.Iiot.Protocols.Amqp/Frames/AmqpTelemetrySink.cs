using System.Buffers;
using System.Globalization;
using Insa.Iiot.Protocols.Amqp.Diagnostics;
using Insa.Iiot.Protocols.Amqp.Publishing;
using Insa.Iiot.Protocols.Amqp.Topology;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;

namespace Insa.Iiot.Protocols.Amqp.Frames;

/// <summary>
/// Hands frames over to the hosts that write them. A write returns when a majority of the broker's nodes has all of it on disk, and for tenants that want
/// it so when a writer has stored it. Messages go out in the order of the writes, each partition's to its own queue.
/// </summary>
internal sealed class AmqpTelemetrySink : ITelemetrySink, IAsyncDisposable
{
    private readonly AmqpTelemetrySinkOptions _options;
    private readonly AmqpMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly BrokerPublisher _publisher;
    private readonly AnswerDesk? _answers;
    private readonly string _userId;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly FrameEncoder?[] _encoders;
    private readonly FramePosition[] _firsts;
    private readonly FramePosition[] _lasts;
    private long _lastMessage;

    public AmqpTelemetrySink(PublisherContext context, IOptions<AmqpTelemetrySinkOptions> options)
    {
        _options = options.Value;
        (_metrics, _time) = (context.Metrics, context.Time);
        var partitions = _options.Partitions;
        (_encoders, _firsts, _lasts) = (new FrameEncoder?[partitions], new FramePosition[partitions], new FramePosition[partitions]);
        _userId = _options.UserId ?? context.Connector.UserName;
        var virtualHost = _options.VirtualHost ?? context.Connector.DefaultVirtualHost;
        _publisher = new BrokerPublisher(
            context,
            virtualHost,
            "frames",
            (channel, declares, cancellationToken) => FrameTopology.PrepareAsync(channel, partitions, declares, cancellationToken)
        );
        _answers = _options.IsEndToEnd is null ? null : new AnswerDesk(context, virtualHost);
    }

    /// <summary>One keeps a device's frames in order even if a write fails and comes again. A second lets others' frames pass a write that waits for the store.</summary>
    public int MaxConcurrentWrites => _answers is null ? 1 : 2;

    public async Task WriteAsync(TelemetryBatch batch, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var published = new List<PublishedFrames>();
        try
        {
            var replyTo = await FindReplyQueueAsync(batch, cancellationToken).ConfigureAwait(false);
            await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                Publish(batch, replyTo, published);
            }
            finally
            {
                _turn.Release();
            }

            await ConfirmAsync(published, cancellationToken).ConfigureAwait(false);
            await SettleAsync(batch, published, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            foreach (var message in published)
            {
                if (message.CorrelationId is not null)
                    _answers!.Forget(message.CorrelationId);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _publisher.DisposeAsync().ConfigureAwait(false);
        if (_answers is not null)
            await _answers.DisposeAsync().ConfigureAwait(false);
        _turn.Dispose();
    }

    private async ValueTask<string?> FindReplyQueueAsync(TelemetryBatch batch, CancellationToken cancellationToken)
    {
        if (_answers is null || !batch.Chunks.Any(chunk => _options.IsEndToEnd!(chunk.Tenant)))
            return null;
        try
        {
            return await _answers.FindQueueAsync().WaitAsync(_options.EndToEndTimeout, _time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException e)
        {
            throw Failed("The broker is not there to take a writer's answer.", e);
        }
    }

    // Under the turn: messages go to the publisher in this order.
    private void Publish(TelemetryBatch batch, string? replyTo, List<PublishedFrames> published)
    {
        // What a write that failed halfway has left is another tenant's.
        foreach (var encoder in _encoders)
            encoder?.Clear();
        for (var c = 0; c < batch.Chunks.Count; c++)
        {
            var chunk = batch.Chunks[c];
            for (var f = 0; f < chunk.FrameCount; f++)
                Add(chunk, new FramePosition(c, f), replyTo, published);

            // One message holds one tenant.
            if (c + 1 == batch.Chunks.Count || batch.Chunks[c + 1].Tenant != chunk.Tenant)
            {
                for (var partition = 0; partition < _encoders.Length; partition++)
                    Flush(chunk.Tenant, partition, replyTo, published);
            }
        }
    }

    private void Add(TelemetryChunk chunk, FramePosition at, string? replyTo, List<PublishedFrames> published)
    {
        var frame = chunk[at.Frame];
        var partition = FramePartition.Of(chunk.Tenant, frame.Device, _encoders.Length);
        var encoder = _encoders[partition] ??= new FrameEncoder(_options.MessageBytes, _options.MaxFrameBytes);
        var addition = encoder.Add(frame);
        if (addition == FrameAddition.Full)
        {
            Flush(chunk.Tenant, partition, replyTo, published);
            addition = encoder.Add(frame);
        }

        if (addition == FrameAddition.TooLarge)
        {
            chunk.Reject(at.Frame, IngestReason.MessageTooLarge);
            return;
        }

        if (encoder.FrameCount == 1)
            _firsts[partition] = at;
        _lasts[partition] = at;
    }

    private void Flush(TenantId tenant, int partition, string? replyTo, List<PublishedFrames> published)
    {
        if (_encoders[partition] is not { FrameCount: > 0 } encoder)
            return;
        var length = encoder.Take(_time.GetUtcNow().UtcTicks, out var body);
        var properties = new BasicProperties
        {
            ContentType = FrameFormat.MediaType,
            MessageId = (++_lastMessage).ToString(CultureInfo.InvariantCulture),
            UserId = _userId,
        };
        string? correlationId = null;
        Task<IngestReason>? answer = null;
        if (replyTo is not null && _options.IsEndToEnd!(tenant))
        {
            answer = _answers!.ExpectAsync(out correlationId);
            (properties.ReplyTo, properties.CorrelationId) = (replyTo, correlationId);
        }

        var confirmed = _publisher.PublishAsync(
            FrameTopology.Exchange,
            FrameTopology.KeyOf(partition, tenant),
            properties,
            body.AsMemory(0, length)
        );
        published.Add(new PublishedFrames(body, confirmed, partition, _firsts[partition], _lasts[partition], answer, correlationId));
        _metrics.FramesHandedOver(length);
    }

    private static async Task ConfirmAsync(List<PublishedFrames> published, CancellationToken cancellationToken)
    {
        try
        {
            await Task.WhenAll(published.Select(message => message.Confirmed)).WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The publisher may still read what was given to it: that is not the pool's again.
            throw;
        }
        catch (Exception e)
        {
            Return(published);
            throw Failed(
                e is BrokerPublishException { Failure: var failure }
                    ? $"The broker has not taken the frames: {failure}."
                    : "The host stops.",
                e
            );
        }

        Return(published);
    }

    private async Task SettleAsync(TelemetryBatch batch, List<PublishedFrames> published, CancellationToken cancellationToken)
    {
        var answers = published.Where(message => message.Answer is not null).ToList();
        if (answers.Count == 0)
            return;
        try
        {
            await Task.WhenAll(answers.Select(message => message.Answer!))
                .WaitAsync(_options.EndToEndTimeout, _time, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            _metrics.AnswerMissed();
            throw Failed($"No writer has said within {_options.EndToEndTimeout} that the frames are stored.", e);
        }

        foreach (var message in answers)
        {
            var reason = await message.Answer!.ConfigureAwait(false);
            if (reason != IngestReason.None)
                Reject(batch, message, reason);
        }
    }

    // The writer does not say which frames of a message the store has refused: whoever waits for the store is told of none that it has them.
    private void Reject(TelemetryBatch batch, PublishedFrames message, IngestReason reason)
    {
        for (var c = message.First.Chunk; c <= message.Last.Chunk; c++)
        {
            var chunk = batch.Chunks[c];
            var first = c == message.First.Chunk ? message.First.Frame : 0;
            var last = c == message.Last.Chunk ? message.Last.Frame : chunk.FrameCount - 1;
            for (var f = first; f <= last; f++)
            {
                if (FramePartition.Of(chunk.Tenant, chunk[f].Device, _encoders.Length) == message.Partition)
                    chunk.Reject(f, reason);
            }
        }
    }

    private static void Return(List<PublishedFrames> published)
    {
        foreach (var message in published)
            ArrayPool<byte>.Shared.Return(message.Body);
    }

    // Nothing of it is given up: the same frames come again, and are the same rows.
    private static TelemetryStoreException Failed(string message, Exception e) => new(message, isTransient: true, e);
}
