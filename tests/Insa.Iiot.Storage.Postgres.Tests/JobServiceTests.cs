using System.Diagnostics.Metrics;
using Insa.Iiot.Conformance;
using Insa.Iiot.Storage.Postgres.Jobs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Insa.Iiot.Storage.Postgres.Tests;

public sealed class JobServiceTests(PostgresCluster cluster)
{
    private const int JobFailed = 5080;
    private const int JobsTaken = 5081;
    private const int ClocksDiffer = 5082;

    private static readonly TenantId Plant = TenantId.Parse("plant");
    private static readonly DeviceId Press = DeviceId.Parse("press");
    private static readonly DateTime Now = new(2026, 5, 20, 12, 0, 0, DateTimeKind.Utc);

    [Fact]
    public async Task One_host_does_the_jobs_and_another_takes_over_when_its_session_is_gone()
    {
        await using var first = await Host.MakeAsync(cluster);
        await using var second = await Host.MakeAsync(cluster, first.Store.DatabaseName);
        await first.Jobs.StartAsync(CancellationToken.None);
        await first.WaitAsync(JobsTaken);
        await second.Jobs.StartAsync(CancellationToken.None);
        for (var i = 0; i < 5; i++)
            second.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(0, second.Count(JobsTaken));

        await first.Store.QueryAsync(
            "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objid = 7461204 and database = (select oid from pg_database where datname = current_database())"
        );
        await second.WaitAsync(JobsTaken);
        await first.WaitAsync(JobFailed);
        first.Time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(1, first.Count(JobsTaken));

        // A host that ends gives its work away at once.
        await second.Jobs.StopAsync(CancellationToken.None);
        await first.WaitAsync(JobsTaken, times: 2);
        await first.Jobs.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task A_host_that_runs_no_jobs_takes_no_lock()
    {
        await using var host = await Host.MakeAsync(cluster, configure: options => options.RunsJobs = false);
        await host.Jobs.StartAsync(CancellationToken.None);
        await host.Jobs.ExecuteTask!;
        Assert.Equal(0, host.Count(JobsTaken));
        Assert.Equal(0L, await host.Store.QueryAsync("select count(*) from iiot_data.partitions('iiot_data.telemetry_frame')"));
    }

    [Fact]
    public async Task There_are_partitions_for_this_day_and_three_more()
    {
        await using var host = await Host.MakeAsync(cluster);
        await host.RunAsync();
        Assert.Equal(
            "2026-05-20 2026-05-21 2026-05-22 2026-05-23",
            await host.Store.QueryAsync(
                "select string_agg(to_char(starts at time zone 'UTC', 'YYYY-MM-DD'), ' ' order by starts) from iiot_data.partitions('iiot_data.telemetry_frame')"
            )
        );
    }

    [Fact]
    public async Task Retention_runs_once_an_hour()
    {
        await using var host = await Host.MakeAsync(cluster);
        await host.Store.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(30)));
        await host.WriteAsync(Now.AddDays(-40));
        await host.RunAsync();
        Assert.Equal(0L, await host.CountAsync());
        await host.WriteAsync(Now.AddDays(-41));
        host.Time.Advance(TimeSpan.FromMinutes(59));
        await host.RunAsync();
        Assert.Equal(1L, await host.CountAsync());
        host.Time.Advance(TimeSpan.FromMinutes(1));
        await host.RunAsync();
        Assert.Equal(0L, await host.CountAsync());
        Assert.Equal(0, host.Count(JobFailed));
    }

    [Fact]
    public async Task A_host_whose_clock_is_not_the_servers_closes_and_deletes_nothing()
    {
        await using var host = await Host.MakeAsync(cluster);
        using var refused = new MetricCollector<long>(
            host.Store.Services.GetRequiredService<IMeterFactory>(),
            "Insa.Iiot.Storage.Postgres",
            "insa.iiot.postgres.jobs.refused"
        );
        await host.Store.SetPolicyAsync(Plant, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(30)));
        await host.WriteAsync(Now.AddDays(-1));
        host.Store.ServerClock!.Behind = TimeSpan.FromDays(365);
        await host.RunAsync();
        var retention = host.Store.Services.GetRequiredService<PostgresRetention>();
        Assert.True((await Assert.ThrowsAsync<TelemetryStoreException>(() => retention.RunAsync())).IsTransient);
        Assert.Equal("-infinity", await host.Store.QueryAsync("select closed_before::text from iiot_data.telemetry_state"));
        Assert.Equal(1L, await host.Store.QueryAsync("select count(*) from iiot_data.telemetry_frame"));
        Assert.NotEqual(0, host.Count(ClocksDiffer));
        Assert.NotEqual(0, refused.GetMeasurementSnapshot().EvaluateAsCounter());

        host.Store.ServerClock.Behind = TimeSpan.FromSeconds(-90);
        await host.RunAsync();
        Assert.Equal(1L, await host.CountAsync());
    }

    [Fact]
    public async Task A_host_whose_clock_is_wrong_leaves_the_jobs_to_another()
    {
        await using var first = await Host.MakeAsync(cluster);
        await using var second = await Host.MakeAsync(cluster, first.Store.DatabaseName);
        await first.Jobs.StartAsync(CancellationToken.None);
        await first.WaitAsync(JobsTaken);
        await second.Jobs.StartAsync(CancellationToken.None);
        first.Store.ServerClock!.Behind = TimeSpan.FromMinutes(10);
        await first.WaitAsync(ClocksDiffer);
        await second.WaitAsync(JobsTaken);
        await second.Jobs.StopAsync(CancellationToken.None);
        await first.Jobs.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task Hours_are_closed_between_two_spans_that_are_compacted()
    {
        await using var host = await Host.MakeAsync(cluster);
        foreach (var days in (int[])[3, 2])
            await host.WriteAsync(Now.AddDays(-days));
        Assert.True(await host.RunAsync());
        Assert.Equal(1L, await host.CountAsync());
        host.Time.Advance(TimeSpan.FromHours(1));
        Assert.True(await host.RunAsync());
        Assert.Equal(2L, await host.CountAsync());
        Assert.Equal(Now, await host.Store.QueryAsync("select closed_before from iiot_data.telemetry_state"));
        Assert.False(await host.RunAsync());
    }

    [Fact]
    public async Task A_job_that_fails_keeps_no_other_from_being_done()
    {
        await using var host = await Host.MakeAsync(cluster);
        await host.WriteAsync(Now.AddDays(-40));
        await host.Store.QueryAsync("alter function iiot_data.ensure_partition(timestamptz) rename to gone");
        await host.RunAsync();
        Assert.Equal(1, host.Count(JobFailed));
        Assert.Equal(1L, await host.CountAsync());
    }

    private sealed class Host : IAsyncDisposable
    {
        private readonly FakeLoggerProvider _log = new();

        public FakeTimeProvider Time { get; } = new(Now);

        public PostgresStore Store { get; private set; } = null!;

        public JobService Jobs => Store.Services.GetRequiredService<JobService>();

        public static async Task<Host> MakeAsync(
            PostgresCluster cluster,
            string? database = null,
            Action<PostgresStorageOptions>? configure = null
        )
        {
            var host = new Host();
            host.Store = await PostgresStore.MakeAsync(cluster, database, configure, logging => logging.AddProvider(host._log), host.Time);
            await host.Store.Database.ReadyAsync(CancellationToken.None);
            return host;
        }

        public int Count(int id) => _log.Collector.GetSnapshot().Count(record => record.Id.Id == id);

        public Task<bool> RunAsync() => Jobs.RunOnceAsync(CancellationToken.None);

        // Minute after minute, as its clock has it.
        public async Task WaitAsync(int id, int times = 1)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            while (Count(id) < times)
            {
                limit.Token.ThrowIfCancellationRequested();
                Time.Advance(TimeSpan.FromMinutes(1));
                await Task.Delay(20, limit.Token);
            }
        }

        public async Task WriteAsync(DateTime timestamp)
        {
            using var writer = new BatchWriter();
            writer.Add(Plant, Press, timestamp, frame => frame.AddDouble("n"u8, 1));
            await Store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
        }

        public Task<object?> CountAsync() => Store.QueryAsync("select count(*) from iiot_data.telemetry_chunk");

        public async ValueTask DisposeAsync()
        {
            await Store.DisposeAsync();
            _log.Dispose();
        }
    }
}
