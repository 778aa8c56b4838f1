using Npgsql;
using NpgsqlTypes;

namespace Insa.Iiot.Storage.Postgres.Telemetry;

/// <summary>What a device's frames are made of: its streams, and the metrics among them that a reader wants.</summary>
internal sealed partial class DeviceStreams
{
    private readonly Dictionary<int, Stream> _streams = [];

    /// <summary>The device's number; <see langword="null"/> if it has never said anything.</summary>
    public int? DeviceNo { get; private set; }

    /// <summary>The wanted metrics that the device has ever had, in ordinal order. A metric's rank is its place here.</summary>
    public string[] Metrics { get; private set; } = [];

    /// <summary>The numbers of <see cref="Metrics"/>.</summary>
    public int[] MetricNos { get; private set; } = [];

    /// <summary>The streams that hold a wanted metric.</summary>
    public int[] StreamNos { get; private set; } = [];

    /// <summary>No stream's newest frame is before this.</summary>
    public DateTime NewestFrom { get; private set; }

    /// <summary>Of a stream: how many values its frames have, and the place of each metric within <see cref="Metrics"/>, or -1.</summary>
    public Stream this[int streamNo] => _streams[streamNo];

    /// <summary>The rank of a wanted metric.</summary>
    public int RankOf(int metricNo) => Array.IndexOf(MetricNos, metricNo);

    public static async Task<DeviceStreams> FindAsync(
        PostgresDatabase database,
        TenantId tenant,
        DeviceId device,
        IReadOnlyCollection<string> wanted,
        CancellationToken cancellationToken
    )
    {
        var batch = await TenantBatch.OpenAsync(database, tenant, cancellationToken).ConfigureAwait(false);
        await using var disposeBatch = batch.ConfigureAwait(false);
        batch.Add(
            $"""
            select d.device_no, s.stream_no, s.last_ts, l.metric_nos, array(
              select m.name from unnest(l.metric_nos) with ordinality u (no, place)
              join iiot.telemetry_metric m on m.tenant_no = l.tenant_no and m.metric_no = u.no order by place)
            from iiot.telemetry_device d
            join iiot.telemetry_stream s on s.tenant_no = d.tenant_no and s.device_no = d.device_no
            join iiot.telemetry_layout l on l.tenant_no = s.tenant_no and l.layout_no = s.layout_no
            where d.tenant_no = {TenantBatch.Number} and d.name = $1
              and (cardinality($2) = 0 or exists (
                select from iiot.telemetry_metric m where m.tenant_no = d.tenant_no and m.name = any($2) and m.metric_no = any(l.metric_nos)))
            """,
            Parameter.Text(device.Value),
            Parameter.Texts(wanted.ToArray())
        );
        var rows = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        var found = new DeviceStreams();
        var layouts = new List<(int StreamNo, int[] MetricNos, string[] Names)>();
        DateTime? newest = DateTime.MaxValue;
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            found.DeviceNo = rows.GetInt32(0);
            layouts.Add((rows.GetInt32(1), rows.GetFieldValue<int[]>(3), rows.GetFieldValue<string[]>(4)));
            newest =
                await rows.IsDBNullAsync(2, cancellationToken).ConfigureAwait(false) || newest is null ? null
                : rows.GetDateTime(2) < newest ? rows.GetDateTime(2)
                : newest;
        }

        found.NewestFrom = newest ?? DateTime.MinValue;
        found.Take(layouts, wanted);
        return found;
    }

    private void Take(List<(int StreamNo, int[] MetricNos, string[] Names)> layouts, IReadOnlyCollection<string> wanted)
    {
        var numbers = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach (var (_, metricNos, names) in layouts)
        {
            for (var i = 0; i < names.Length; i++)
            {
                if (wanted.Count == 0 || wanted.Contains(names[i], StringComparer.Ordinal))
                    numbers[names[i]] = metricNos[i];
            }
        }

        Metrics = [.. numbers.Keys];
        MetricNos = [.. numbers.Values];
        StreamNos = [.. layouts.Select(layout => layout.StreamNo)];
        foreach (var (streamNo, _, names) in layouts)
            _streams[streamNo] = new Stream([
                .. names.Select(name => Array.BinarySearch(Metrics, name, StringComparer.Ordinal) is var at and >= 0 ? at : -1),
            ]);
    }

    /// <param name="Ranks">The rank of each value's metric, or -1 if it is not wanted.</param>
    internal sealed record Stream(int[] Ranks)
    {
        /// <summary>The places of the wanted values, in the order of their metrics.</summary>
        public int[] Places { get; } =
        [.. Enumerable.Range(0, Ranks.Length).Where(place => Ranks[place] >= 0).OrderBy(place => Ranks[place])];

        /// <summary>How many values are wanted.</summary>
        public int Wanted => Places.Length;
    }
}
