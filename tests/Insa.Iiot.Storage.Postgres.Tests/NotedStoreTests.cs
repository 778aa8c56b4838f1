using Insa.Iiot.Conformance;

namespace Insa.Iiot.Storage.Postgres.Tests;

/// <summary>The store as it is once the database has been told how far streams have come: what is newest is looked for from there on.</summary>
public sealed class NotedStoreTests(PostgresCluster cluster) : PostgresStoreConformance(cluster)
{
    private static readonly DateTime Noon = new(2026, 5, 1, 12, 0, 0, DateTimeKind.Utc);

    protected override ITelemetrySink Sink => new NotingSink(Store);

    [Theory]
    [InlineData(1)]
    [InlineData(40)]
    [InlineData(4000)]
    public async Task The_latest_of_a_quiet_device_is_found_beside_a_busy_one(int days)
    {
        var plant = TenantId.Parse("plant");
        DeviceId[] devices = [DeviceId.Parse("busy"), DeviceId.Parse("quiet"), DeviceId.Parse("silent")];
        using var writer = new BatchWriter();
        writer.Add(plant, devices[1], Noon.AddDays(-days), frame => frame.AddDouble("n"u8, 1));
        for (var i = 0; i < 100; i++)
            writer.Add(plant, devices[0], Noon.AddSeconds(i), frame => frame.AddDouble("n"u8, i));
        await Sink.WriteAsync(writer.Batch, CancellationToken.None);

        // Late frames move nothing back.
        using var late = new BatchWriter();
        foreach (var device in devices.Take(2))
            late.Add(plant, device, Noon.AddDays(-days - 3), frame => frame.AddDouble("n"u8, -1));
        await Sink.WriteAsync(late.Batch, CancellationToken.None);

        var latest = new List<(DeviceId, double)>();
        await foreach (var found in SeriesReader.ReadLatestAsync(plant, devices))
            latest.Add((found.Device, found.Point.Value.AsDouble()));
        Assert.Equal([(devices[0], 99), (devices[1], 1)], latest);
        Assert.Equal(1, Assert.Single(await Reader.ReadLatestAsync(plant, devices[1])).Value.AsDouble());
        Assert.Equal(0L, await Store.QueryAsync("select count(*) from iiot.telemetry_stream where last_ts is null"));
    }

    private sealed class NotingSink(PostgresStore store) : ITelemetrySink
    {
        public int MaxConcurrentWrites => store.Sink.MaxConcurrentWrites;

        public async Task WriteAsync(TelemetryBatch batch, CancellationToken cancellationToken)
        {
            await store.Sink.WriteAsync(batch, cancellationToken);
            await store.Streams.NoteAsync(cancellationToken);
        }
    }
}
