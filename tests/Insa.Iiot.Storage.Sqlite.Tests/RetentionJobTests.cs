using Insa.Iiot.Conformance;
using Insa.Iiot.Storage.Sqlite.Retention;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Insa.Iiot.Storage.Sqlite.Tests;

public sealed class RetentionJobTests : IDisposable
{
    private static readonly TenantId Plant = TenantId.Parse("plant");
    private static readonly TenantId Other = TenantId.Parse("other");
    private static readonly DeviceId Press = DeviceId.Parse("press");
    private static readonly DateTime Start = new(2026, 5, 1, 12, 0, 0, DateTimeKind.Utc);
    private static readonly RetentionPolicy Day = new(RetentionPolicy.AllMetrics, RetentionTier.Raw, TimeSpan.FromDays(1));

    private readonly string _folder = Directory.CreateTempSubdirectory("iiot-sqlite-").FullName;
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(Start.AddDays(2)));
    private SqliteStore _store;

    public RetentionJobTests() => _store = Open();

    public void Dispose()
    {
        _store.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task An_hour_goes_once_its_end_is_due()
    {
        await WriteAsync(Plant, Start, 1);
        await WriteAsync(Plant, Start.AddHours(1).AddMicroseconds(-1), 2);
        await WriteAsync(Plant, Start.AddHours(1), 3);
        await _store.Retention.SetAsync(Plant, Day, seen: null);
        Set(Start.AddDays(1).AddHours(1).AddMicroseconds(-1));
        Assert.Equal(0, Run());
        Set(Start.AddDays(1).AddHours(1));
        Assert.Equal(2, Run());
        Assert.Equal([3], await ReadAsync(Plant));
        Assert.Equal(0, Run());
    }

    [Fact]
    public async Task Nothing_of_what_is_due_is_left_in_any_table()
    {
        await WriteAsync(Plant, Start, 1);
        await WriteAsync(Other, Start, 2);
        _store.Indexer.IndexClosedHours(CancellationToken.None);
        await _store.Retention.SetAsync(Plant, Day, seen: null);
        Assert.Equal(1, Run());
        foreach (var table in (string[])["telemetry_frame", "telemetry_hour", "telemetry_shape"])
            Assert.Equal(1L, _store.Query($"SELECT count(*) FROM {table}"));
        Assert.Equal(0L, _store.Query("SELECT count(*) FROM retention_due"));
        Assert.Empty(await _store.Reader.ReadLatestAsync(Plant, Press));
        Assert.Equal([2], await ReadAsync(Other));
    }

    [Fact]
    public async Task A_run_that_was_stopped_is_ended_by_the_next_one_also_after_a_restart()
    {
        await FillAsync(5000);
        await _store.Retention.SetAsync(Plant, Day, seen: null);
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => _store.RetentionJob.Run(_ => stop.Cancel(), stop.Token));
        Assert.Equal(3000L, _store.Query("SELECT count(*) FROM telemetry_frame"));
        Assert.Empty(await ReadAsync(Plant));

        // Whatever is decided since: what is gone from the index cannot come back.
        _store.Dispose();
        _store = Open();
        Assert.Equal([Day], await _store.Retention.ListAsync(Plant));
        Assert.True(await _store.Retention.RemoveAsync(Plant, Day));
        Assert.Equal(3000, Run());
        Assert.Equal(0L, _store.Query("SELECT count(*) FROM telemetry_frame"));
        Assert.Equal(0L, _store.Query("SELECT count(*) FROM retention_due"));
    }

    [Fact]
    public async Task What_is_written_while_an_hour_is_deleted_stays_and_is_read_until_it_is_due_itself()
    {
        await FillAsync(5000);
        await _store.Retention.SetAsync(Plant, Day, seen: null);
        var isWritten = false;
        var deleted = _store.RetentionJob.Run(
            _ =>
            {
                if (isWritten)
                    return;
                isWritten = true;

                // One that was there, at the end of the hour, one that had been deleted, and one between.
                WriteAsync(Plant, Start.AddMilliseconds(4999), -1).GetAwaiter().GetResult();
                WriteAsync(Plant, Start, -2).GetAwaiter().GetResult();
                WriteAsync(Plant, Start.AddMilliseconds(2500.5), -3).GetAwaiter().GetResult();
            },
            CancellationToken.None
        );
        Assert.Equal(4999, deleted);
        Assert.Equal([-2, -3, -1], await ReadAsync(Plant));
        Assert.Equal(-1, (await _store.Reader.ReadLatestAsync(Plant, Press)).Single().Value.AsDouble());
        Assert.Equal(3, Run());
        Assert.Empty(await ReadAsync(Plant));
    }

    [Fact]
    public async Task What_is_written_while_a_run_is_stopped_outlives_a_policy_that_went()
    {
        await FillAsync(5000);
        await _store.Retention.SetAsync(Plant, Day, seen: null);
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => _store.RetentionJob.Run(_ => stop.Cancel(), stop.Token));
        Assert.True(await _store.Retention.RemoveAsync(Plant, Day));
        await WriteAsync(Plant, Start.AddMilliseconds(4000), -1);
        Assert.Equal(2999, Run());
        Assert.Equal([-1], await ReadAsync(Plant));
    }

    [Fact]
    public async Task Writing_goes_on_while_much_is_deleted()
    {
        await FillAsync(20_000);
        await _store.Retention.SetAsync(Plant, Day, seen: null);
        var recent = Start.AddDays(2).AddMinutes(-1);
        var writing = Task.Run(async () =>
        {
            for (var i = 0; i < 50; i++)
                await WriteAsync(Plant, recent.AddMilliseconds(i), i);
        });
        var deleting = Task.Run(Run);
        await writing;
        Assert.Equal(20_000, await deleting);
        Assert.Equal(Enumerable.Range(0, 50).Select(i => (double)i), await ReadAsync(Plant));
    }

    [Fact]
    public async Task It_runs_by_itself_at_start_and_once_an_hour_and_goes_on_after_a_failure()
    {
        await WriteAsync(Plant, Start, 1);
        await _store.Retention.SetAsync(Plant, Day, seen: null);
        var logger = new FakeLogger<RetentionJob>();
        using var job = new RetentionJob(_store.Database, _time, logger);
        await job.StartAsync(CancellationToken.None);
        await WaitForAsync(logger, "deleted 1 frames", 1);

        await WriteAsync(Plant, Start, 2);
        Query("ALTER TABLE retention_due RENAME TO away");
        _time.Advance(TimeSpan.FromHours(1));
        await WaitForAsync(logger, "could not be deleted", 1);
        Query("ALTER TABLE away RENAME TO retention_due");
        _time.Advance(TimeSpan.FromHours(1));
        await WaitForAsync(logger, "deleted 1 frames", 2);
        await job.StopAsync(CancellationToken.None);
        Assert.Empty(await ReadAsync(Plant));
    }

    [Fact]
    public async Task A_policy_that_keeps_longer_than_there_are_dates_deletes_nothing()
    {
        await WriteAsync(Plant, Start, 1);
        await _store.Retention.SetAsync(Plant, Day with { Keep = TimeSpan.MaxValue }, seen: null);
        Assert.Equal(0, Run());
        Assert.Equal([1], await ReadAsync(Plant));
    }

    [Fact]
    public async Task A_tenant_that_is_being_erased_is_left_to_the_eraser()
    {
        await FillAsync(5000);
        await _store.Retention.SetAsync(Plant, Day, seen: null);
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => _store.RetentionJob.Run(_ => stop.Cancel(), stop.Token));
        using var stopErasure = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            _store.Eraser.EraseAsync(Plant, new Stopper(stopErasure), stopErasure.Token)
        );
        Assert.Equal(0, Run());
        await _store.Eraser.EraseAsync(Plant);
        Assert.DoesNotContain(await _store.Eraser.CountAsync(Plant), rows => rows.Rows != 0);
        Assert.Equal(0L, _store.Query("SELECT count(*) FROM retention_due"));
        Assert.Equal(0L, _store.Query("SELECT count(*) FROM telemetry_frame"));
    }

    private static async Task WaitForAsync(FakeLogger<RetentionJob> logger, string message, int count)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (logger.Collector.GetSnapshot().Count(record => record.Message.Contains(message, StringComparison.Ordinal)) < count)
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private void Query(string sql) => _store.Query(sql);

    private SqliteStore Open() => new(_folder, _time);

    private void Set(DateTime now) => _time.AdjustTime(new DateTimeOffset(now));

    private long Run() => _store.RetentionJob.Run(stepDone: null, CancellationToken.None);

    private async Task FillAsync(int frames)
    {
        using var writer = new BatchWriter(frames);
        for (var i = 0; i < frames; i++)
            writer.Add(Plant, Press, Start.AddMilliseconds(i), frame => frame.AddDouble("n"u8, i));
        await _store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
    }

    private async Task WriteAsync(TenantId tenant, DateTime at, double value)
    {
        using var writer = new BatchWriter();
        writer.Add(tenant, Press, at, frame => frame.AddDouble("n"u8, value));
        await _store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
    }

    private async Task<List<double>> ReadAsync(TenantId tenant)
    {
        var values = new List<double>();
        await foreach (var point in _store.Reader.ReadAsync(tenant, new TelemetryQuery { Device = Press, Limit = 100_000 }))
            values.Add(point.Value.AsDouble());
        return values;
    }

    private sealed class Stopper(CancellationTokenSource stop) : IProgress<TenantRows>
    {
        public void Report(TenantRows value) => stop.Cancel();
    }
}
