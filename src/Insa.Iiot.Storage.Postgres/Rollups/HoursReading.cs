using System.Runtime.InteropServices;
using Insa.Iiot.Storage.Postgres.Telemetry;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Rollups;

/// <summary>Hands the rows of some hours to a visitor: first the streams and the chunks are given to it, then the frames in order.</summary>
internal sealed class HoursReading(DeviceHour[] hours, IPointVisitor visitor)
{
    private readonly Dictionary<(int TenantNo, int StreamNo), int[]> _metrics = [];
    private readonly Dictionary<(int TenantNo, int DeviceNo), List<(int MetricNo, long Start, long Last, byte[] Bytes)>> _chunks = [];
    private readonly ChunkCursors _cursors = new();
    private byte[] _vals = new byte[1024];
    private byte[] _extra = new byte[256];
    private int _current = -1;
    private long _framePoints;

    /// <summary>How many points were read.</summary>
    public long Points => _framePoints + _cursors.Decoded;

    /// <summary>How many frames were none of their streams' layouts.</summary>
    public long Damaged { get; private set; }

    /// <summary>How many times a chunk could not be read.</summary>
    public long DamagedChunks { get; private set; }

    /// <summary>tenant_no, stream_no, metric_nos</summary>
    public void AddStream(NpgsqlDataReader rows) => _metrics.Add((rows.GetInt32(0), rows.GetInt32(1)), rows.GetFieldValue<int[]>(2));

    /// <summary>tenant_no, device_no, metric_no, t0, t1, d</summary>
    public void AddChunk(NpgsqlDataReader rows)
    {
        ref var chunks = ref CollectionsMarshal.GetValueRefOrAddDefault(_chunks, (rows.GetInt32(0), rows.GetInt32(1)), out _);
        chunks ??= [];
        chunks.Add((rows.GetInt32(2), rows.GetFieldValue<long>(3), rows.GetFieldValue<long>(4), rows.GetFieldValue<byte[]>(5)));
    }

    /// <summary>place, stream_no, ts, arrived_at, vals, extra; by place and time.</summary>
    public void AddFrame(NpgsqlDataReader rows)
    {
        var place = (int)rows.GetInt64(0) - 1;
        if (place < _current)
            throw new InvalidOperationException("The hours did not come in the order in which they were asked for.");

        // A stream that was made since then has marked its hours itself.
        if (!_metrics.TryGetValue((hours[place].TenantNo, rows.GetInt32(1)), out var metricNos))
            return;
        BeginUpTo(place);
        var (time, arrived) = (rows.GetFieldValue<long>(2), rows.GetFieldValue<long>(3));
        var vals = rows.GetBytes(4, ref _vals);
        var extra = rows.IsDBNull(5) ? default : rows.GetBytes(5, ref _extra);
        if (!FrameCodec.IsWhole(vals, extra, metricNos.Length))
        {
            Damaged++;
            return;
        }

        for (var i = 0; i < metricNos.Length; i++)
        {
            var (kind, bits, quality) = FrameCodec.Read(vals, extra, metricNos.Length, i);
            _cursors.VisitUpTo(metricNos[i], time, visitor);
            visitor.Add(metricNos[i], time, arrived, kind, bits, quality);
        }

        _framePoints += metricNos.Length;
    }

    /// <summary>Ends the hours that are left.</summary>
    public void Complete()
    {
        BeginUpTo(hours.Length - 1);
        _cursors.VisitRest(visitor);
        _cursors.Clear();
    }

    private void BeginUpTo(int place)
    {
        while (_current < place)
        {
            _cursors.VisitRest(visitor);
            _cursors.Clear();
            var hour = hours[++_current];
            visitor.Begin(hour);
            if (!_chunks.TryGetValue((hour.TenantNo, hour.DeviceNo), out var chunks))
                continue;
            foreach (var (metricNo, start, last, bytes) in chunks)
            {
                if (
                    start > hour.Start - PostgresTime.PerDay
                    && start < hour.Start + PostgresTime.PerHour
                    && last >= hour.Start
                    && !_cursors.TryAdd(metricNo, hour.Start, bytes)
                )
                {
                    visitor.Skip(metricNo);
                    DamagedChunks++;
                }
            }
        }
    }
}
