using System.Text;
using Insa.Iiot.Conformance;
using Insa.Iiot.Storage.Postgres.Diagnostics;
using Insa.Iiot.Storage.Postgres.Jobs;
using Insa.Iiot.Storage.Postgres.Rollups;
using Insa.Iiot.Storage.Postgres.Telemetry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Tests;

/// <summary>A store with a clock, random data and rollups, and what the rollups ought to be.</summary>
internal sealed class RollupWorld : IAsyncDisposable
{
    public static readonly TenantId[] Tenants = [TenantId.Parse("plant"), TenantId.Parse("other")];
    public static readonly DeviceId[] Devices = [DeviceId.Parse("press"), DeviceId.Parse("pump")];
    public static readonly string[] Metrics = ["a", "b", "c"];
    public static readonly DateTime Start = new(2026, 4, 29, 21, 0, 0, DateTimeKind.Utc);

    private static readonly string[][] Layouts =
    [
        ["a"],
        ["a", "b"],
        ["b", "c"],
    ];

    private RollupWorld(PostgresStore store)
    {
        Store = store;
        Job = MakeJob();
    }

    public PostgresStore Store { get; }

    public FakeTimeProvider Time { get; } = new(Start);

    public RollupJob Job { get; }

    public static async Task<RollupWorld> MakeAsync(PostgresCluster cluster) => new(await PostgresStore.MakeAsync(cluster));

    public RollupJob MakeJob() =>
        new(
            Store.Database,
            new PostgresPointSource(NullLogger<PostgresPointSource>.Instance),
            Options.Create(new PostgresStorageOptions()),
            Time,
            new JobClock(
                new FakeServerClock(Time),
                Time,
                Store.Services.GetRequiredService<PostgresMetrics>(),
                NullLogger<JobClock>.Instance
            ),
            NullLogger<RollupJob>.Instance
        );

    /// <summary>Writes frames of any device, layout, kind and quality at random times; now and then at a time that was there before.</summary>
    public async Task WriteRandomAsync(Random random, int frames, TimeSpan span)
    {
        using var writer = new BatchWriter(frames);
        for (var i = 0; i < frames; i++)
        {
            // Few instants, so that they are met again, by the same layout and by others.
            var at =
                Start
                + (random.Next(4) == 0 ? span * random.NextDouble() : TimeSpan.FromSeconds(30 * random.Next((int)span.TotalSeconds / 30)));
            at = at.AddTicks(-(at.Ticks % TimeSpan.TicksPerMicrosecond));
            var layout = Layouts[random.Next(Layouts.Length)];
            writer.Add(
                Tenants[random.Next(Tenants.Length)],
                Devices[random.Next(Devices.Length)],
                at,
                frame =>
                {
                    foreach (var metric in layout)
                        AddRandom(frame, Encoding.UTF8.GetBytes(metric), random);
                }
            );
        }

        await Store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
    }

    /// <summary>What the rollup tables hold.</summary>
    public async Task<SortedDictionary<string, RollupStats>> ReadRollupsAsync()
    {
        var found = new SortedDictionary<string, RollupStats>(StringComparer.Ordinal);
        await using var connection = await Store.Database.Jobs.OpenConnectionAsync();
        foreach (var tier in (string[])["hour", "day"])
        {
            await using var command = new NpgsqlCommand(
                $"""
                select t.name, d.name, m.name, r.quality, r.bucket, {RollupColumns.Names} from iiot_data.rollup_{tier} r
                join iiot.telemetry_device d using (tenant_no, device_no) join iiot.telemetry_metric m using (tenant_no, metric_no)
                join iiot.tenant t using (tenant_no)
                """,
                connection
            );
            await using var rows = await command.ExecuteReaderAsync();
            while (await rows.ReadAsync())
                found.Add(
                    Key(tier, rows.GetString(0), rows.GetString(1), rows.GetString(2), rows.GetInt16(3), rows.GetDateTime(4)),
                    RollupColumns.Read(rows, 5)
                );
        }

        await using var minutes = new NpgsqlCommand(
            """
            select t.name, d.name, m.name, r.hour, r.minutes from iiot_data.rollup_minute r
            join iiot.telemetry_device d using (tenant_no, device_no) join iiot.telemetry_metric m using (tenant_no, metric_no)
            join iiot.tenant t using (tenant_no)
            """,
            connection
        );
        await using var packed = await minutes.ExecuteReaderAsync();
        while (await packed.ReadAsync())
            Unpack(packed, found);
        return found;
    }

    /// <summary>What they ought to hold, from the points as they are read.</summary>
    public async Task<SortedDictionary<string, RollupStats>> ModelAsync(DateTime closedBefore)
    {
        var model = new SortedDictionary<string, RollupStats>(StringComparer.Ordinal);
        foreach (var tenant in Tenants)
        {
            foreach (var device in Devices)
            {
                var all = new TelemetryQuery { Device = device, Limit = int.MaxValue };
                await foreach (var point in Store.Reader.ReadAsync(tenant, all))
                {
                    if (!RollupQuality.Counts(point.Value.Kind))
                        continue;
                    foreach (
                        var (tier, width) in ((string, TimeSpan)[])
                            [("minute", TimeSpan.FromMinutes(1)), ("hour", TimeSpan.FromHours(1)), ("day", TimeSpan.FromDays(1))]
                    )
                    {
                        var bucket = point.Timestamp.AddTicks(-(point.Timestamp.Ticks % width.Ticks));
                        var hourEnd = point.Timestamp.AddTicks(-(point.Timestamp.Ticks % TimeSpan.TicksPerHour)).AddHours(1);
                        if ((tier == "day" ? bucket + width : hourEnd) > closedBefore)
                            continue;
                        var key = Key(tier, tenant.Value, device.Value, point.Metric, RollupQuality.ClassOf(point.Quality), bucket);
                        var stats = model.GetValueOrDefault(key);
                        stats.Add(PostgresTime.FromTicks(point.Timestamp.Ticks), point.Value.AsDouble());
                        model[key] = stats;
                    }
                }
            }
        }

        return model;
    }

    public static void AssertSame(SortedDictionary<string, RollupStats> expected, SortedDictionary<string, RollupStats> actual)
    {
        Assert.Equal(expected.Keys, actual.Keys);
        foreach (var (key, stats) in expected)
        {
            var other = actual[key];
            Assert.Equal(stats.Sum, other.Sum, Math.Abs(stats.Sum) * 1e-9);
            Assert.Equal(stats.SumOfSquares, other.SumOfSquares, stats.SumOfSquares * 1e-9);
            Assert.Equal(stats with { Sum = 0, SumOfSquares = 0 }, other with { Sum = 0, SumOfSquares = 0 });
        }
    }

    public ValueTask DisposeAsync() => Store.DisposeAsync();

    private static void Unpack(NpgsqlDataReader row, SortedDictionary<string, RollupStats> found)
    {
        var hour = row.GetDateTime(3);
        ReadOnlySpan<byte> left = row.GetFieldValue<byte[]>(4);
        while (!left.IsEmpty)
        {
            Assert.True(MinuteCodec.TryRead(ref left, PostgresTime.FromTicks(hour.Ticks), out var minute, out var quality, out var stats));
            found.Add(Key("minute", row.GetString(0), row.GetString(1), row.GetString(2), quality, hour.AddMinutes(minute)), stats);
        }
    }

    private static string Key(string tier, string tenant, string device, string metric, int quality, DateTime bucket) =>
        $"{tier} {tenant} {device} {metric} {bucket:O} {quality}";

    // Positive, so that sums do not cancel out.
    private static void AddRandom(TelemetryFrameWriter frame, byte[] metric, Random random)
    {
        var quality = random.Next(3) > 0 ? TelemetryQuality.Good : (TelemetryQuality)random.Next(16);
        switch (random.Next(10))
        {
            case 0:
                frame.AddLong(metric, random.Next(1000), quality);
                break;
            case 1:
                frame.AddBool(metric, random.Next(2) == 0, quality);
                break;
            case 2:
                frame.AddText(metric, "text"u8, quality);
                break;
            default:
                frame.AddDouble(metric, random.NextDouble() * 100, quality);
                break;
        }
    }
}
