using System.Threading.Channels;
using Insa.Iiot.Ingestion.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Ingestion.Pipeline;

/// <summary>Shows committed chunks to observers, off the acknowledgement path, then gives the chunks back.</summary>
internal sealed class ObserverDispatcher
{
    private readonly ITelemetryObserver[] _observers;
    private readonly ChunkPool _pool;
    private readonly IngestionMetrics _metrics;
    private readonly ILogger<ObserverDispatcher> _logger;
    private readonly Channel<LaneChunk[]> _backlog;

    public ObserverDispatcher(
        IEnumerable<ITelemetryObserver> observers,
        IOptions<IngestionOptions> options,
        ChunkPool pool,
        IngestionMetrics metrics,
        ILogger<ObserverDispatcher> logger
    )
    {
        _observers = [.. observers];
        _pool = pool;
        _metrics = metrics;
        _logger = logger;
        _backlog = Channel.CreateBounded<LaneChunk[]>(options.Value.MaxObserverBacklog);
    }

    /// <summary>Takes over chunks that are settled, and shows those that are stored: nobody is billed for others. Observers too far behind miss these.</summary>
    public void Offer(List<LaneChunk> chunks)
    {
        // First, for what observers have taken over may be in use again.
        var refused = chunks.FindAll(static chunk => !chunk.IsStored);
        chunks.RemoveAll(static chunk => !chunk.IsStored);
        foreach (var chunk in refused)
            _pool.Return(chunk);
        if (_observers.Length > 0 && chunks.Count > 0)
        {
            if (_backlog.Writer.TryWrite([.. chunks]))
                return;
            _metrics.ObserverBatchMissed();
        }

        foreach (var chunk in chunks)
            _pool.Return(chunk);
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var batch = new TelemetryBatch();
        await foreach (var chunks in _backlog.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            foreach (var chunk in chunks)
                batch.Add(chunk.Chunk);
            foreach (var observer in _observers)
            {
                try
                {
                    await observer.OnCommittedAsync(batch, cancellationToken).ConfigureAwait(false);
                }
                catch (Exception e) when (!cancellationToken.IsCancellationRequested)
                {
                    _metrics.ObserverFailed();
                    _logger.ObserverFailed(e, observer.GetType().Name);
                }
            }

            batch.Clear();
            foreach (var chunk in chunks)
                _pool.Return(chunk);
        }
    }
}
