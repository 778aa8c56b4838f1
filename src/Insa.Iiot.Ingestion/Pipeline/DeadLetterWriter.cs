using System.Threading.Channels;
using Insa.Iiot.Ingestion.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Ingestion.Pipeline;

/// <summary>Keeps messages that could not be decoded. Off the hot path, bounded per tenant, written in groups that share one completion.</summary>
internal sealed class DeadLetterWriter(
    IOptions<IngestionOptions> options,
    RetryPolicy retry,
    TimeProvider time,
    ILogger<DeadLetterWriter> logger,
    IDeadLetterStore? store = null
)
{
    // A letter costs more than its payload: it must not be free to fill memory with empty ones.
    private const int BytesPerLetter = 256;

    private readonly Lock _sync = new();
    private readonly Dictionary<TenantId, int> _pendingBytes = [];
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite }
    );
    private List<Entry> _pending = [];
    private TaskCompletionSource<CommitResult> _completion = MakeCompletion();

    public bool IsDrained
    {
        get
        {
            lock (_sync)
                return _pendingBytes.Count == 0;
        }
    }

    /// <summary>Copies a message's bytes to be kept.</summary>
    /// <returns>What completes when they are durable, or <see langword="null"/> if they are not kept.</returns>
    public Task<CommitResult>? TryKeep(Lane lane, DeviceId device, in TelemetryMessage message, IngestReason reason)
    {
        if (store is null)
            return null;

        var bytes = message.Payload.Length + BytesPerLetter;
        lock (_sync)
        {
            var pending = _pendingBytes.GetValueOrDefault(lane.Tenant);
            if (pending + bytes > options.Value.MaxPendingDeadLetterBytes)
                return null;
            _pendingBytes[lane.Tenant] = pending + bytes;
            var letter = new DeadLetter
            {
                Tenant = lane.Tenant,
                Device = device,
                ReceivedAt = message.ReceivedAt ?? time.GetUtcNow().UtcDateTime,
                Reason = reason,
                MediaType = message.Format.MediaType,
                Payload = message.Payload.ToArray(),
            };
            _pending.Add(new Entry(lane, letter));
            lock (lane.Sync)
                lane.Ledger.InFlight++;
            _signal.Writer.TryWrite(true);
            return _completion.Task;
        }
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var written = new List<Entry>();
        while (true)
        {
            await _signal.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            TaskCompletionSource<CommitResult> completion;
            lock (_sync)
            {
                (written, _pending) = (_pending, written);
                (completion, _completion) = (_completion, MakeCompletion());
            }

            try
            {
                await TryAppendAsync(written.ConvertAll(entry => entry.Letter), cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                completion.SetResult(CommitResult.Failed(IngestReason.Stopping, isKept: false));
                throw;
            }

            Settle(written);
            written.Clear();
            completion.SetResult(CommitResult.Committed);
        }
    }

    /// <summary>Writes letters at once, as often as it takes.</summary>
    /// <returns><see langword="false"/> if the host keeps no dead letters.</returns>
    public async Task<bool> TryAppendAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancellationToken)
    {
        for (var failures = 0; store is not null && letters.Count > 0; )
        {
            try
            {
                await store.AppendAsync(letters, cancellationToken).ConfigureAwait(false);
                return true;
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                failures++;
                if (failures == 1)
                    logger.DeadLettersNotWritten(e);
                await retry.DelayAsync(failures, cancellationToken).ConfigureAwait(false);
            }
        }

        return store is not null;
    }

    private static TaskCompletionSource<CommitResult> MakeCompletion() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Settle(List<Entry> written)
    {
        foreach (var (lane, letter) in written)
        {
            lock (lane.Sync)
            {
                lane.Ledger.InFlight--;
                lane.Ledger.DeadLettered++;
            }

            lock (_sync)
            {
                var left = _pendingBytes[letter.Tenant] - letter.Payload.Length - BytesPerLetter;
                if (left == 0)
                    _pendingBytes.Remove(letter.Tenant);
                else
                    _pendingBytes[letter.Tenant] = left;
            }
        }
    }

    private readonly record struct Entry(Lane Lane, DeadLetter Letter);
}
