namespace Insa.Iiot.Storage.Postgres.Rollups;

/// <summary>One metric's points of one hour, on their way to become rows. Reused from series to series.</summary>
internal sealed class SeriesHour
{
    private readonly RollupStats[] _minuteStats = new RollupStats[RollupQuality.Classes];
    private readonly RollupStats[] _hourStats = new RollupStats[RollupQuality.Classes];
    private byte[] _minutes = new byte[1024];
    private int _length;
    private int _metricNo;
    private long _hour;
    private long _minuteStart;

    // The point that may yet be replaced by one of the same time that arrived later.
    private bool _isHeld;
    private long _time;
    private long _arrived;
    private TelemetryValueKind _kind;
    private long _bits;
    private TelemetryQuality _quality;

    public void Begin(int metricNo, long hour)
    {
        (_metricNo, _hour, _minuteStart, _length, _isHeld) = (metricNo, hour, hour, 0, false);
        Array.Clear(_minuteStats);
        Array.Clear(_hourStats);
    }

    public void Add(long time, long arrived, TelemetryValueKind kind, long bits, TelemetryQuality quality)
    {
        if (_isHeld && time == _time)
        {
            if (arrived < _arrived)
                return;
        }
        else if (_isHeld)
        {
            Count();
        }

        (_isHeld, _time, _arrived, _kind, _bits, _quality) = (true, time, arrived, kind, bits, quality);
    }

    public void WriteTo(RollupRows rows, in DeviceHour hour)
    {
        if (_isHeld)
            Count();
        EndMinute();
        for (var quality = 0; quality < RollupQuality.Classes; quality++)
        {
            if (_hourStats[quality].Count > 0)
                rows.Add(new RollupRow(hour.TenantNo, hour.DeviceNo, _metricNo, (short)quality, _hour, _hourStats[quality]));
        }

        if (_length > 0)
            rows.AddMinutes(hour, _metricNo, _minutes.AsSpan(0, _length));
    }

    private void Count()
    {
        if (!RollupQuality.Counts(_kind))
            return;
        if (_time >= _minuteStart + MinuteCodec.PerMinute)
        {
            EndMinute();
            _minuteStart = _time - ((_time - _hour) % MinuteCodec.PerMinute);
        }

        var value = _kind == TelemetryValueKind.Double ? BitConverter.Int64BitsToDouble(_bits) : _bits;
        _minuteStats[RollupQuality.ClassOf(_quality)].Add(_time, value);
    }

    private void EndMinute()
    {
        for (var quality = 0; quality < RollupQuality.Classes; quality++)
        {
            ref var stats = ref _minuteStats[quality];
            if (stats.Count == 0)
                continue;
            if (_minutes.Length - _length < MinuteCodec.MostBytesPerEntry)
                Array.Resize(ref _minutes, _minutes.Length * 2);
            var minute = (int)((_minuteStart - _hour) / MinuteCodec.PerMinute);
            _length += MinuteCodec.Write(_minutes.AsSpan(_length), _minuteStart, minute, quality, stats);
            _hourStats[quality].Merge(stats);
            stats = default;
        }
    }
}
