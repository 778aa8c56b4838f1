using Xunit;

namespace Insa.Iiot.Conformance;

/// <summary>Gathers frames of any tenants into a batch, as ingestion would.</summary>
public sealed class BatchWriter : IDisposable
{
    private static long _lastArrival;

    private readonly Dictionary<TenantId, (TelemetryChunk Chunk, TelemetryFrameWriter Writer)> _tenants = [];
    private readonly TelemetryLimits _limits = new() { MaxAge = TimeSpan.FromDays(36_500), MaxAhead = TimeSpan.FromDays(36_500) };
    private readonly int _framesPerTenant;
    private readonly long _arrival = NextArrival();
    private TelemetryBatch? _batch;

    /// <summary>Makes an empty writer.</summary>
    /// <param name="framesPerTenant">The most frames of one tenant.</param>
    public BatchWriter(int framesPerTenant = 1024) => _framesPerTenant = framesPerTenant;

    /// <summary>What was gathered; from then on nothing is added.</summary>
    public TelemetryBatch Batch
    {
        get
        {
            if (_batch is null)
            {
                _batch = new TelemetryBatch();
                foreach (var (chunk, _) in _tenants.Values)
                    _batch.Add(chunk);
            }

            return _batch;
        }
    }

    /// <summary>Adds one frame.</summary>
    public void Add(TenantId tenant, DeviceId device, DateTime timestamp, Action<TelemetryFrameWriter> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        if (!_tenants.TryGetValue(tenant, out var entry))
        {
            entry = (new TelemetryChunk(_framesPerTenant), new TelemetryFrameWriter(_limits));
            entry.Chunk.Reset(tenant);
            _tenants.Add(tenant, entry);
        }

        entry.Writer.BeginMessage(entry.Chunk, new DeviceSession(tenant, device), device, _arrival);
        write(entry.Writer);
        Assert.Equal(IngestReason.None, entry.Writer.SetTimestamp(timestamp.Ticks));
        Assert.Equal(IngestReason.None, entry.Writer.EndFrame());
        entry.Writer.CommitMessage();
    }

    /// <summary>Gives the buffers back.</summary>
    public void Dispose()
    {
        foreach (var (chunk, _) in _tenants.Values)
            chunk.Dispose();
    }

    // As a lane does: what is made later arrives later, also if the clock has not moved on. A second leaves room for a batch's frames.
    private static long NextArrival()
    {
        while (true)
        {
            var last = Volatile.Read(ref _lastArrival);
            var next = Math.Max(TimeProvider.System.GetUtcNow().UtcTicks, last + TimeSpan.TicksPerSecond);
            if (Interlocked.CompareExchange(ref _lastArrival, next, last) == last)
                return next;
        }
    }
}
