using Insa.Iiot.Ingestion.Diagnostics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Ingestion.Pipeline;

/// <summary>Runs the writers: each takes what waits, commits it, and completes its receipts. On stop it drains what was taken.</summary>
internal sealed class IngestionService(
    IOptions<IngestionOptions> options,
    TelemetryIngress ingress,
    ITelemetrySink sink,
    LaneScheduler scheduler,
    DeadLetterWriter deadLetters,
    ObserverDispatcher observers,
    RetryPolicy retry,
    IngestionMetrics metrics,
    TimeProvider time,
    ILogger<IngestionService> logger
) : IHostedService, IDisposable
{
    private static readonly TimeSpan DrainPoll = TimeSpan.FromMilliseconds(10);

    private readonly CancellationTokenSource _stop = new();
    private Task _work = Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        var writers = Math.Max(1, Math.Min(options.Value.SinkConcurrency, sink.MaxConcurrentWrites));
        var work = new List<Task>
        {
            Task.Run(() => deadLetters.RunAsync(_stop.Token), CancellationToken.None),
            Task.Run(() => observers.RunAsync(_stop.Token), CancellationToken.None),
        };
        for (var i = 0; i < writers; i++)
            work.Add(Task.Run(() => WriteAsync(_stop.Token), CancellationToken.None));
        _work = Task.WhenAll(work);
        logger.Started(sink.GetType().Name, writers);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        ingress.Stop();
        try
        {
            while (!ingress.IsDrained || !deadLetters.IsDrained)
                await Task.Delay(DrainPoll, time, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // What is left was never acknowledged: its devices send it again.
            logger.NotDrained();
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        await _work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        // Whoever still waits must not wait for ever.
        var left = new List<LaneChunk>();
        for (scheduler.Take(left); left.Count > 0; scheduler.Take(left))
            GiveUp(left);
    }

    public void Dispose() => _stop.Dispose();

    private async Task WriteAsync(CancellationToken cancellationToken)
    {
        var chunks = new List<LaneChunk>();
        var batch = new TelemetryBatch();
        while (true)
        {
            scheduler.Take(chunks);
            if (chunks.Count == 0)
            {
                await scheduler.WaitAsync(cancellationToken).ConfigureAwait(false);
                continue;
            }

            try
            {
                await CommitAsync(chunks, batch, cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                GiveUp(chunks);
                throw;
            }

            observers.Offer(chunks);
            chunks.Clear();
        }
    }

    private async Task CommitAsync(List<LaneChunk> chunks, TelemetryBatch batch, CancellationToken cancellationToken)
    {
        batch.Clear();
        foreach (var chunk in chunks)
            batch.Add(chunk.Chunk);

        if (await TryWriteAsync(batch, cancellationToken).ConfigureAwait(false))
        {
            foreach (var chunk in chunks)
                await SettleAsync(chunk, stored: true, cancellationToken).ConfigureAwait(false);
            return;
        }

        // The sink refuses the batch for good: find out which chunk it is, and let the others through.
        foreach (var chunk in chunks)
        {
            batch.Clear();
            batch.Add(chunk.Chunk);
            var stored = chunks.Count > 1 && await TryWriteAsync(batch, cancellationToken).ConfigureAwait(false);
            await SettleAsync(chunk, stored, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <returns><see langword="false"/> if the sink refuses the batch for good.</returns>
    private async Task<bool> TryWriteAsync(TelemetryBatch batch, CancellationToken cancellationToken)
    {
        for (var failures = 0; ; )
        {
            var started = time.GetTimestamp();
            try
            {
                await sink.WriteAsync(batch, cancellationToken).ConfigureAwait(false);
                metrics.BatchWritten(batch.FrameCount, time.GetElapsedTime(started));
                if (failures > 0)
                    logger.StoreRecovered(failures);
                return true;
            }
            catch (TelemetryStoreException e) when (e.IsTransient)
            {
                failures++;
                metrics.WriteFailed("transient");
                if (failures == 1)
                    logger.StoreUnavailable(e);
                await retry.DelayAsync(failures, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                metrics.WriteFailed("permanent");
                logger.BatchRefused(e, batch.FrameCount);
                return false;
            }
        }
    }

    private async Task SettleAsync(LaneChunk chunk, bool stored, CancellationToken cancellationToken)
    {
        chunk.IsStored = stored;
        if (stored && !chunk.Chunk.HasRejections)
        {
            lock (chunk.Lane.Sync)
            {
                chunk.Lane.Ledger.Committed += chunk.MessageCount;
                chunk.Lane.Ledger.CommittedPoints += chunk.Chunk.ValueCount;
            }

            Complete(chunk, CommitResult.Committed);
            return;
        }

        var isKept = await deadLetters.TryAppendAsync(LettersOf(chunk.Chunk, all: !stored), cancellationToken).ConfigureAwait(false);
        lock (chunk.Lane.Sync)
            CountRefused(chunk, stored, isKept);
        Complete(chunk, stored ? chunk.Chunk.ToCommitResult(isKept) : CommitResult.Failed(IngestReason.Unstorable, isKept));
    }

    private static void CountRefused(LaneChunk chunk, bool stored, bool isKept)
    {
        Span<long> messages = stackalloc long[LaneLedger.ReasonCount];
        messages.Clear();
        if (stored)
            chunk.CountRejections(messages);
        else
            messages[(int)IngestReason.Unstorable] = chunk.MessageCount;

        var ledger = chunk.Lane.Ledger;
        ledger.Committed += messages[0];
        for (var reason = 1; reason < messages.Length; reason++)
        {
            if (isKept)
                ledger.DeadLettered += messages[reason];
            else
                ledger.Rejected((IngestReason)reason, messages[reason]);
        }
    }

    private List<DeadLetter> LettersOf(TelemetryChunk chunk, bool all)
    {
        var letters = new List<DeadLetter>();
        for (var i = 0; i < chunk.FrameCount; i++)
        {
            var reason = all ? IngestReason.Unstorable : chunk.RejectionOf(i);
            if (reason == IngestReason.None)
                continue;
            letters.Add(
                new DeadLetter
                {
                    Tenant = chunk.Tenant,
                    Device = chunk[i].Device,
                    ReceivedAt = time.GetUtcNow().UtcDateTime,
                    Reason = reason,
                    MediaType = PayloadFormat.Json.MediaType,
                    Payload = FrameJson.Write(chunk[i]),
                }
            );
        }

        return letters;
    }

    private static void GiveUp(List<LaneChunk> chunks)
    {
        foreach (var chunk in chunks)
            chunk.Completion.TrySetResult(CommitResult.Failed(IngestReason.Stopping, isKept: false));
        chunks.Clear();
    }

    private static void Complete(LaneChunk chunk, CommitResult result)
    {
        chunk.Lane.Released(chunk);
        chunk.Completion.TrySetResult(result);
    }
}
