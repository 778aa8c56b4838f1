namespace Insa.Iiot.Storage.Postgres.Telemetry;

/// <summary>A stretch of a device's points, whole and in order: by time, then metric, one value each. Reused from stretch to stretch.</summary>
internal sealed class PointWindow
{
    private readonly List<WindowPoint> _points = [];

    /// <summary>The points, once <see cref="Complete"/> has put them in order.</summary>
    public IReadOnlyList<WindowPoint> Points => _points;

    public void Clear() => _points.Clear();

    public void Add(in WindowPoint point) => _points.Add(point);

    /// <summary>Leaves what is up to a time, puts it in order, and keeps of each instant and metric what arrived last.</summary>
    public void Complete(long lastTime)
    {
        _points.RemoveAll(point => point.Time > lastTime);
        if (!IsOrdered())
            _points.Sort();
        var kept = 0;
        for (var i = 0; i < _points.Count; i++)
        {
            if (i + 1 < _points.Count && _points[i].Time == _points[i + 1].Time && _points[i].Rank == _points[i + 1].Rank)
                continue;
            _points[kept++] = _points[i];
        }

        _points.RemoveRange(kept, _points.Count - kept);
    }

    private bool IsOrdered()
    {
        for (var i = 1; i < _points.Count; i++)
        {
            if (_points[i - 1].CompareTo(_points[i]) > 0)
                return false;
        }

        return true;
    }
}
