using Insa.Iiot.Storage.Postgres.Telemetry;

namespace Insa.Iiot.Storage.Postgres.Rollups;

/// <summary>Reads the newest points of many series in one round trip: those after the closed hours, which are in frames only.</summary>
internal static class SeriesTails
{
    private const int MostFrames = 200_000;

    /// <param name="database">The database.</param>
    /// <param name="tenant">The tenant.</param>
    /// <param name="series">The series, each with one metric.</param>
    /// <param name="starts">Where each begins; <see langword="null"/> for one that is not wanted. None before the hours that are closed.</param>
    /// <param name="end">Where all end.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>The points of each series; <see langword="null"/> if they are too many for this.</returns>
    public static async Task<PointWindow?[]> ReadAsync(
        PostgresDatabase database,
        TenantId tenant,
        DeviceStreams[] series,
        IReadOnlyList<long?> starts,
        long end,
        CancellationToken cancellationToken
    )
    {
        var windows = new PointWindow?[series.Length];
        var places = new Dictionary<int, List<int>>();
        for (var i = 0; i < series.Length; i++)
        {
            if (starts[i] is null)
                continue;
            windows[i] = new PointWindow();
            foreach (var streamNo in series[i].StreamNos)
            {
                if (!places.TryGetValue(streamNo, out var of))
                    places.Add(streamNo, of = []);
                of.Add(i);
            }
        }

        var most = Math.Max(2, MostFrames / Math.Max(1, places.Count));
        var batch = await TenantBatch.OpenAsync(database, tenant, cancellationToken).ConfigureAwait(false);
        await using var disposeBatch = batch.ConfigureAwait(false);
        FrameQuery.AddRange(batch, [.. places.Keys], starts.Min()!.Value, end, most);
        var rows = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        var decoders = Array.ConvertAll(series, of => new FrameRows(of));
        var counts = new Dictionary<int, int>();
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            var streamNo = rows.GetInt32(0);
            foreach (var place in places[streamNo])
            {
                if (windows[place] is { } window && rows.GetFieldValue<long>(1) >= starts[place])
                    decoders[place].Read(rows, window);
            }

            counts[streamNo] = counts.GetValueOrDefault(streamNo) + 1;
            if (counts[streamNo] == most)
                places[streamNo].ForEach(place => windows[place] = null);
        }

        foreach (var window in windows)
            window?.Complete(long.MaxValue);
        return windows;
    }
}
