using System.Runtime.InteropServices;

namespace Insa.Iiot.Storage.Postgres.Rollups;

/// <summary>Rolls up hours of devices: points in, rows out. Kept and reused.</summary>
/// <param name="rows">Where the rows go.</param>
internal sealed class HourRoller(RollupRows rows) : IPointVisitor
{
    private readonly Dictionary<int, int> _places = [];
    private readonly List<SeriesHour> _series = [];
    private readonly HashSet<(int TenantNo, int DeviceNo, int MetricNo, long Start)> _skipped = [];
    private DeviceHour _hour;

    /// <summary>Hours of which not all points could be read, and no rows were made.</summary>
    public IReadOnlyCollection<(int TenantNo, int DeviceNo, int MetricNo, long Start)> Skipped => _skipped;

    public void Begin(in DeviceHour hour)
    {
        Complete();
        _hour = hour;
    }

    public void Skip(int metricNo) => _skipped.Add((_hour.TenantNo, _hour.DeviceNo, metricNo, _hour.Start));

    public void Add(int metricNo, long time, long arrived, TelemetryValueKind kind, long bits, TelemetryQuality quality)
    {
        if (_skipped.Count > 0 && _skipped.Contains((_hour.TenantNo, _hour.DeviceNo, metricNo, _hour.Start)))
            return;
        ref var place = ref CollectionsMarshal.GetValueRefOrAddDefault(_places, metricNo, out var isKnown);
        if (!isKnown)
        {
            place = _places.Count - 1;
            if (place == _series.Count)
                _series.Add(new SeriesHour());
            _series[place].Begin(metricNo, _hour.Start);
        }

        _series[place].Add(time, arrived, kind, bits, quality);
    }

    /// <summary>Ends the hour that is open, if any.</summary>
    public void Complete()
    {
        for (var i = 0; i < _places.Count; i++)
            _series[i].WriteTo(rows, _hour);
        _places.Clear();
    }
}
