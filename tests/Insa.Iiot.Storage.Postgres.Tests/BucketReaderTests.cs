using Insa.Iiot.Storage.Postgres.Jobs;
using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.Storage.Postgres.Tests;

public sealed class BucketReaderTests(PostgresCluster cluster)
{
    private static readonly TimeSpan Span = TimeSpan.FromHours(80);

    private static readonly TimeSpan[] Widths =
    [
        TimeSpan.FromSeconds(90),
        TimeSpan.FromMinutes(1),
        TimeSpan.FromMinutes(7),
        TimeSpan.FromHours(1),
        TimeSpan.FromHours(5),
        TimeSpan.FromDays(1),
        TimeSpan.FromDays(2),
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Buckets_are_the_same_whatever_they_are_made_of(int seed)
    {
        var random = new Random(seed);
        await using var world = await RollupWorld.MakeAsync(cluster);
        await world.WriteRandomAsync(random, 1000, Span);
        for (var round = 0; round < 8; round++)
        {
            // Late frames, hours that are closing, marked, or rolled up again; days that are made or not; frames or chunks.
            await world.WriteRandomAsync(random, 5, Span);
            world.Time.Advance(TimeSpan.FromHours(random.NextDouble() * 25));
            await world.MakeJob().RunAsync(round % 2 == 0 ? random.Next(1, 40) : int.MaxValue, CancellationToken.None);
            if (round % 2 == 1)
                await world.WriteRandomAsync(random, random.Next(4) + 1, Span);
            if (round == 5)
                await world.Store.Services.GetRequiredService<Compactor>().CompactAsync(int.MaxValue, CancellationToken.None);
            for (var i = 0; i < 12; i++)
                await CompareAsync(world, random);
        }
    }

    [Fact]
    public async Task Rollups_are_read_instead_of_points()
    {
        await using var world = await RollupWorld.MakeAsync(cluster);
        await world.WriteRandomAsync(new Random(5), 1000, Span);
        world.Time.Advance(TimeSpan.FromDays(10));
        await world.Job.RunAsync(int.MaxValue, CancellationToken.None);
        var queries = Widths
            .Skip(1)
            .Select(width => new TelemetrySeriesQuery
            {
                Series = [.. AllSeries()],
                From = RollupWorld.Start.AddHours(-50),
                To = RollupWorld.Start.AddHours(90),
                Bucket = width,
            })
            .ToList();
        var before = new List<List<TelemetrySeriesBucket>>();
        foreach (var query in queries)
            before.Add(await ReadAsync(world, query));

        await world.Store.QueryAsync("delete from iiot_data.telemetry_frame");
        for (var i = 0; i < queries.Count; i++)
            Assert.Equal(before[i], await ReadAsync(world, queries[i]));
        Assert.All(before, Assert.NotEmpty);
    }

    private static async Task CompareAsync(RollupWorld world, Random random)
    {
        var width = Widths[random.Next(Widths.Length)];
        var from = RollupWorld.Start - TimeSpan.FromHours(3) + (Span * random.NextDouble());
        var to = from + (Span * random.NextDouble() * 1.2);
        if (random.Next(3) == 0)
            (from, to) = (Floor(from, TimeSpan.FromHours(1)), Floor(to, TimeSpan.FromHours(1)));
        if (random.Next(8) == 0)
            (from, to) = (DateTime.UnixEpoch, DateTime.MaxValue);
        var query = new TelemetrySeriesQuery
        {
            Series = [.. AllSeries().OrderBy(_ => random.Next()).Take(random.Next(1, 7))],
            From = from,
            To = to,
            Bucket = width,
        };
        var (expected, actual) = (await ModelAsync(world, query), await ReadAsync(world, query));
        Assert.Equal(expected.Select(Exact), actual.Select(Exact));
        for (var i = 0; i < expected.Count; i++)
        {
            Assert.Equal(expected[i].Bucket.Sum, actual[i].Bucket.Sum, Math.Abs(expected[i].Bucket.Sum) * 1e-9);
            Assert.Equal(expected[i].SumOfSquares, actual[i].SumOfSquares, expected[i].SumOfSquares * 1e-9);
        }

        var single = await world.Store.Reader.AggregateAsync(
            RollupWorld.Tenants[0],
            new TelemetryAggregateQuery
            {
                Device = query.Series[0].Device,
                Metric = query.Series[0].Metric,
                From = from,
                To = to,
                Bucket = width,
            }
        );
        Assert.Equal(actual.Where(bucket => bucket.Series == 0).Select(bucket => bucket.Bucket), single);
    }

    private static TelemetrySeriesBucket Exact(TelemetrySeriesBucket bucket) =>
        bucket with
        {
            SumOfSquares = 0,
            Bucket = bucket.Bucket with { Sum = 0 },
        };

    private static async Task<List<TelemetrySeriesBucket>> ModelAsync(RollupWorld world, TelemetrySeriesQuery query)
    {
        var model = new List<TelemetrySeriesBucket>();
        for (var i = 0; i < query.Series.Count; i++)
        {
            var points = new List<TelemetryPoint>();
            var range = new TelemetryQuery
            {
                Device = query.Series[i].Device,
                Metrics = [query.Series[i].Metric],
                From = query.From,
                To = query.To,
                Limit = int.MaxValue,
            };
            await foreach (var point in world.Store.Reader.ReadAsync(RollupWorld.Tenants[0], range))
            {
                if (
                    point.Value.Kind is not (TelemetryValueKind.Text or TelemetryValueKind.Json)
                    && !point.Quality.HasFlag(TelemetryQuality.Bad)
                )
                    points.Add(point);
            }

            DateTime? before = null;
            foreach (var bucket in points.GroupBy(point => Floor(point.Timestamp, query.Bucket)))
            {
                var values = bucket.Select(point => point.Value.AsDouble()).ToList();
                model.Add(
                    new TelemetrySeriesBucket(
                        i,
                        new TelemetryBucket(bucket.Key, values.Count, values.Min(), values.Max(), values.Sum()),
                        bucket.Key > query.From && before != bucket.Key - query.Bucket,
                        values[0],
                        values[^1],
                        values.Sum(value => value * value)
                    )
                );
                before = bucket.Key;
            }
        }

        return model;
    }

    private static async Task<List<TelemetrySeriesBucket>> ReadAsync(RollupWorld world, TelemetrySeriesQuery query)
    {
        var buckets = new List<TelemetrySeriesBucket>();
        await foreach (var bucket in world.Store.SeriesReader.AggregateAsync(RollupWorld.Tenants[0], query))
            buckets.Add(bucket);
        return buckets;
    }

    private static IEnumerable<TelemetrySeries> AllSeries() =>
        from device in RollupWorld.Devices
        from metric in RollupWorld.Metrics
        select new TelemetrySeries(device, metric);

    private static DateTime Floor(DateTime time, TimeSpan width) => time.AddTicks(-((time - DateTime.UnixEpoch).Ticks % width.Ticks));
}
