using System.Runtime.InteropServices;

namespace Insa.Iiot.Storage.Postgres.Telemetry;

/// <summary>A stretch of a device's points, whole and in order: by time, then metric, one value each. Reused from stretch to stretch.</summary>
internal sealed class PointWindow
{
    private readonly List<WindowPoint> _points = [];

    /// <summary>The points, once <see cref="Complete"/> has put them in order.</summary>
    public IReadOnlyList<WindowPoint> Points => _points;

    public void Clear() => _points.Clear();

    /// <summary>Makes room for more points.</summary>
    public void Reserve(int more) => _points.EnsureCapacity(_points.Count + more);

    public void Add(in WindowPoint point) => _points.Add(point);

    /// <summary>Leaves what is up to a time, puts it in order, and keeps of each instant and metric what arrived last.</summary>
    public void Complete(long lastTime)
    {
        if (_points.Exists(point => point.Time > lastTime))
            _points.RemoveAll(point => point.Time > lastTime);
        var (isOrdered, isUnique) = Inspect();
        if (isUnique)
            return;
        if (!isOrdered)
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

    // Nearly always the points come as they are wanted.
    private (bool IsOrdered, bool IsUnique) Inspect()
    {
        var isUnique = true;
        var points = CollectionsMarshal.AsSpan(_points);
        for (var i = 1; i < points.Length; i++)
        {
            ref readonly var before = ref points[i - 1];
            ref readonly var point = ref points[i];
            if (point.Time > before.Time || (point.Time == before.Time && point.Rank > before.Rank))
                continue;
            isUnique = false;
            if (before.CompareTo(point) > 0)
                return (false, false);
        }

        return (true, isUnique);
    }
}
