using System.Runtime.InteropServices;
using Npgsql;
using NpgsqlTypes;

namespace Insa.Iiot.Storage.Postgres.Rollups;

/// <summary>Rows of rollups on their way to the database. Kept and reused.</summary>
internal sealed class RollupRows
{
    private readonly List<RollupRow> _rows = [];
    private readonly List<(DeviceHour Hour, int MetricNo, int Offset, int Length)> _minutes = [];
    private byte[] _bytes = new byte[64 * 1024];
    private int _length;

    public IReadOnlyList<RollupRow> Rows => _rows;

    /// <summary>The packed minutes of each hour; valid until rows are added or cleared.</summary>
    public IEnumerable<(DeviceHour Hour, int MetricNo, ReadOnlyMemory<byte> Minutes)> Minutes =>
        _minutes.Select(row => (row.Hour, row.MetricNo, (ReadOnlyMemory<byte>)_bytes.AsMemory(row.Offset, row.Length)));

    public void Clear()
    {
        _rows.Clear();
        _minutes.Clear();
        _length = 0;
    }

    public void Add(in RollupRow row) => _rows.Add(row);

    public void AddMinutes(in DeviceHour hour, int metricNo, ReadOnlySpan<byte> minutes)
    {
        if (_bytes.Length - _length < minutes.Length)
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _length + minutes.Length));
        minutes.CopyTo(_bytes.AsSpan(_length));
        _minutes.Add((hour, metricNo, _length, minutes.Length));
        _length += minutes.Length;
    }

    /// <summary>Leaves out what is made of some buckets: tenant, device, metric and start.</summary>
    public void Remove(HashSet<(int, int, int, long)> buckets)
    {
        _rows.RemoveAll(row => buckets.Contains((row.TenantNo, row.DeviceNo, row.MetricNo, row.Bucket)));
        _minutes.RemoveAll(row => buckets.Contains((row.Hour.TenantNo, row.Hour.DeviceNo, row.MetricNo, row.Hour.Start)));
    }

    /// <summary>What each bucket comes to, all classes together, by tenant, device, metric and start.</summary>
    public Dictionary<(int, int, int, long), RollupStats> Totals()
    {
        var totals = new Dictionary<(int, int, int, long), RollupStats>();
        foreach (var row in _rows)
        {
            ref var total = ref CollectionsMarshal.GetValueRefOrAddDefault(
                totals,
                (row.TenantNo, row.DeviceNo, row.MetricNo, row.Bucket),
                out _
            );
            total.Merge(row.Stats);
        }

        return totals;
    }

    /// <summary>Writes the rows of buckets to <c>rollup_hour</c> or <c>rollup_day</c>.</summary>
    public async Task CopyAsync(NpgsqlConnection connection, string tier, CancellationToken cancellationToken)
    {
        var copy = await connection
            .BeginBinaryImportAsync(
                $"copy iiot_data.rollup_{tier} (tenant_no, device_no, metric_no, quality, bucket, n, sum, sum_squares, min, max, first, last, first_ts, last_ts) from stdin (format binary)",
                cancellationToken
            )
            .ConfigureAwait(false);
        await using var _ = copy.ConfigureAwait(false);
        foreach (var row in _rows)
        {
            await copy.StartRowAsync(cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync(row.TenantNo, NpgsqlDbType.Integer, cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync(row.DeviceNo, NpgsqlDbType.Integer, cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync(row.MetricNo, NpgsqlDbType.Integer, cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync(row.Quality, NpgsqlDbType.Smallint, cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync(row.Bucket, NpgsqlDbType.TimestampTz, cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync(row.Stats.Count, NpgsqlDbType.Bigint, cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync(row.Stats.Sum, NpgsqlDbType.Double, cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync(row.Stats.SumOfSquares, NpgsqlDbType.Double, cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync(row.Stats.Min, NpgsqlDbType.Double, cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync(row.Stats.Max, NpgsqlDbType.Double, cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync(row.Stats.First, NpgsqlDbType.Double, cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync(row.Stats.Last, NpgsqlDbType.Double, cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync(row.Stats.FirstTime, NpgsqlDbType.TimestampTz, cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync(row.Stats.LastTime, NpgsqlDbType.TimestampTz, cancellationToken).ConfigureAwait(false);
        }

        await copy.CompleteAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Writes the packed minutes.</summary>
    public async Task CopyMinutesAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var copy = await connection
            .BeginBinaryImportAsync(
                "copy iiot_data.rollup_minute (tenant_no, device_no, metric_no, hour, minutes) from stdin (format binary)",
                cancellationToken
            )
            .ConfigureAwait(false);
        await using var _ = copy.ConfigureAwait(false);
        foreach (var (hour, metricNo, offset, length) in _minutes)
        {
            await copy.StartRowAsync(cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync(hour.TenantNo, NpgsqlDbType.Integer, cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync(hour.DeviceNo, NpgsqlDbType.Integer, cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync(metricNo, NpgsqlDbType.Integer, cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync(hour.Start, NpgsqlDbType.TimestampTz, cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync<ReadOnlyMemory<byte>>(_bytes.AsMemory(offset, length), NpgsqlDbType.Bytea, cancellationToken)
                .ConfigureAwait(false);
        }

        await copy.CompleteAsync(cancellationToken).ConfigureAwait(false);
    }
}
