namespace Insa.Iiot.Storage.Sqlite.Telemetry;

/// <summary>What was counted of one tenant lately, by day; one of its requests counts at a time.</summary>
internal sealed class DayCounts : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1);
    private readonly Dictionary<DateOnly, (long ReadAt, IReadOnlyDictionary<string, long> Points)> _days = [];

    /// <summary>Waits for the tenant's other requests; dispose what is returned.</summary>
    public async ValueTask<Turn> TakeTurnAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        return new Turn(_turn);
    }

    public bool TryFind(DateOnly day, TimeProvider time, TimeSpan lifetime, out IReadOnlyDictionary<string, long> points)
    {
        var isKnown = _days.TryGetValue(day, out var known) && time.GetElapsedTime(known.ReadAt) < lifetime;
        points = known.Points;
        return isKnown;
    }

    public void Keep(DateOnly day, TimeProvider time, IReadOnlyDictionary<string, long> points)
    {
        // Room for one answer: the most days that can be asked for at once.
        if (_days.Count >= ITelemetryStatistics.MaxDays && !_days.ContainsKey(day))
            _days.Clear();
        _days[day] = (time.GetTimestamp(), points);
    }

    public void Dispose() => _turn.Dispose();

    internal readonly struct Turn(SemaphoreSlim turn) : IDisposable
    {
        public void Dispose() => turn.Release();
    }
}
