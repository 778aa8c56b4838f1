using System.Diagnostics.Metrics;
using Insa.Iiot.Conformance;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace Insa.Iiot.Storage.Postgres.Tests.Telemetry;

public sealed class PostgresMetricsTests(PostgresCluster cluster) : IAsyncLifetime
{
    private static readonly DateTime Noon = new(2026, 5, 1, 12, 0, 0, DateTimeKind.Utc);

    private PostgresStore _store = null!;

    public async ValueTask InitializeAsync() => _store = await PostgresStore.MakeAsync(cluster);

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task Frames_are_counted_by_the_way_they_are_written()
    {
        using var written = Collect<long>("frames.written");
        using var replays = Collect<long>("replays");
        using var duration = Collect<double>("write.duration");
        await WriteAsync(300);
        Assert.Equal([("copy", 300)], Tagged(written, "path"));
        await WriteAsync(300);
        Assert.Equal([("copy", 300), ("merge", 300)], Tagged(written, "path"));
        Assert.Equal(1, replays.GetMeasurementSnapshot().EvaluateAsCounter());
        Assert.Equal(2, duration.GetMeasurementSnapshot().Count(measurement => measurement.Value > 0));
    }

    [Fact]
    public async Task A_long_replay_is_met_once_and_expected_from_then_on()
    {
        using var replays = Collect<long>("replays");
        for (var i = 0; i < 2 * 20; i++)
            await WriteAsync(200, Noon.AddHours(i % 20));
        Assert.Equal(1, replays.GetMeasurementSnapshot().EvaluateAsCounter());
    }

    [Fact]
    public async Task Refused_frames_are_counted_by_what_of_them_was_refused()
    {
        await _store.QueryAsync(
            "alter table iiot_data.telemetry_frame add check (vals <> float8send(1)); alter table iiot.telemetry_device add check (name <> 'd2')"
        );
        using var isolated = Collect<long>("frames.isolated");
        await WriteAsync(4);
        Assert.Equal([("frame", 1), ("name", 1)], Tagged(isolated, "reason").Order());
    }

    private Task WriteAsync(int frames) => WriteAsync(frames, Noon);

    private async Task WriteAsync(int frames, DateTime from)
    {
        using var writer = new BatchWriter();
        for (var i = 0; i < frames; i++)
            writer.Add(TenantId.Parse("plant"), DeviceId.Parse($"d{i % 4}"), from.AddSeconds(i), frame => frame.AddDouble("n"u8, i));
        await _store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
    }

    private MetricCollector<T> Collect<T>(string name)
        where T : struct =>
        new(_store.Services.GetRequiredService<IMeterFactory>(), "Insa.Iiot.Storage.Postgres", "insa.iiot.postgres." + name);

    private static IEnumerable<(string, long)> Tagged(MetricCollector<long> collector, string tag) =>
        collector.GetMeasurementSnapshot().Select(measurement => ((string)measurement.Tags[tag]!, measurement.Value));
}
