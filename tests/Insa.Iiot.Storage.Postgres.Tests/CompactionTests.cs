using System.Diagnostics.Metrics;
using System.Text;
using Insa.Iiot.Conformance;
using Insa.Iiot.Storage.Postgres.Jobs;
using Insa.Iiot.Storage.Postgres.Rollups;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace Insa.Iiot.Storage.Postgres.Tests;

public sealed class CompactionTests(PostgresCluster cluster) : IAsyncLifetime
{
    private static readonly TenantId Plant = TenantId.Parse("plant");
    private static readonly TenantId Other = TenantId.Parse("other");
    private static readonly DeviceId Press = DeviceId.Parse("press");
    private static readonly DeviceId Pump = DeviceId.Parse("pump");
    private static readonly DateTime Day = new(2026, 5, 1, 0, 0, 0, DateTimeKind.Utc);

    private PostgresStore _store = null!;

    public async ValueTask InitializeAsync() => _store = await PostgresStore.MakeAsync(cluster);

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task Compaction_changes_nothing_that_is_read()
    {
        await WriteRandomAsync(1);
        var before = await ReadAllAsync();
        Assert.Equal(2, await CompactAsync());

        Assert.Equal(0L, await _store.QueryAsync("select count(*) from iiot_data.telemetry_frame"));
        AssertSame(before, await ReadAllAsync());
        Assert.Equal(0, await CompactAsync());
    }

    [Fact]
    public async Task Partitions_of_an_hour_make_chunks_of_an_hour()
    {
        await _store.DisposeAsync();
        _store = await PostgresStore.MakeAsync(
            cluster,
            await cluster.MakeEmptyDatabaseAsync(),
            options => options.PartitionWidth = TimeSpan.FromHours(1)
        );
        foreach (var minute in (int[])[5, 6, 70, 200])
            await WriteAsync(Day.AddMinutes(minute), minute);
        Assert.Equal(3, await CompactAsync());
        Assert.Equal(3L, await _store.QueryAsync("select count(*) from iiot_data.telemetry_chunk"));
        Assert.Equal(0L, await _store.QueryAsync("select count(*) from iiot_data.telemetry_frame"));
        Assert.Equal([5, 6, 70, 200], await ValuesAsync());
    }

    [Fact]
    public async Task Late_frames_join_the_chunks_and_the_value_written_last_counts()
    {
        await WriteRandomAsync(2);
        await CompactAsync();
        await WriteRandomAsync(3);
        var before = await ReadAllAsync();

        await CompactAsync();
        Assert.Equal(0L, await _store.QueryAsync("select count(*) from iiot_data.telemetry_frame"));
        AssertSame(before, await ReadAllAsync());
    }

    [Fact]
    public async Task A_late_value_replaces_one_that_is_in_a_chunk()
    {
        await WriteAsync(Day.AddHours(3), 1);
        await WriteAsync(Day.AddHours(4), 2);
        await CompactAsync();
        await WriteAsync(Day.AddHours(3), 10);
        Assert.Equal([10, 2], await ValuesAsync());
        await CompactAsync();
        Assert.Equal([10, 2], await ValuesAsync());
    }

    [Fact]
    public async Task The_latest_value_is_found_in_a_chunk_also_beside_frames_that_came_late()
    {
        await WriteAsync(Day.AddHours(4), 2);
        await CompactAsync();
        Assert.Equal(2, (await _store.Reader.ReadLatestAsync(Plant, Press))[0].Value.AsDouble());
        await WriteAsync(Day.AddHours(3), 1);
        Assert.Equal(2, (await _store.Reader.ReadLatestAsync(Plant, Press))[0].Value.AsDouble());
        await WriteAsync(Day.AddHours(5), 3);
        Assert.Equal(3, (await _store.Reader.ReadLatestAsync(Plant, Press))[0].Value.AsDouble());
    }

    [Fact]
    public async Task A_partition_that_was_written_to_meanwhile_is_not_emptied()
    {
        await WriteAsync(Day.AddHours(3), 1);
        await CloseAsync();
        await WriteAsync(Day.AddHours(3.5), 2);
        Assert.Equal(false, await _store.QueryAsync($"select iiot_data.empty_frames('{Day:O}')"));
        Assert.Equal(2L, await _store.QueryAsync("select count(*) from iiot_data.telemetry_frame"));
    }

    [Fact]
    public async Task Of_two_compactions_at_once_neither_takes_the_others_marks_away()
    {
        await WriteAsync(Day.AddHours(3), 1);
        await CloseAsync();
        await using var other = await PostgresStore.MakeAsync(cluster, _store.DatabaseName);
        await using var frames = await BlockAsync("lock table iiot_data.telemetry_frame_20260501t00 in access share mode");
        var first = Compactor.CompactAsync(int.MaxValue, CancellationToken.None);
        await Blocked.WaitAsync(_store, 1);

        // It has read all there was, and waits to empty the partition. What is written now must keep it from that.
        await WriteAsync(Day.AddHours(4), 2);
        await _store.QueryAsync("delete from iiot_data.rollup_pending");
        await using var streams = await BlockAsync("lock table iiot.telemetry_layout in access exclusive mode");
        var second = other.Services.GetRequiredService<Compactor>().CompactAsync(int.MaxValue, CancellationToken.None);
        while (!second.IsCompleted && await _store.QueryAsync("select count(*) from iiot_data.late_write") is not 0L)
            await Task.Yield();
        await frames.DisposeAsync();
        await first;
        await streams.DisposeAsync();
        await second;
        Assert.Equal([1, 2], await ValuesAsync());
    }

    [Fact]
    public async Task A_compaction_whose_session_is_ended_empties_nothing()
    {
        await WriteAsync(Day.AddHours(3), 1);
        await CloseAsync();
        await using var other = await PostgresStore.MakeAsync(cluster, _store.DatabaseName);
        await using (await BlockAsync("lock table iiot_data.telemetry_frame_20260501t00 in access share mode"))
        {
            var first = Compactor.CompactAsync(int.MaxValue, CancellationToken.None);
            await Blocked.WaitAsync(_store, 1);
            await _store.QueryAsync("select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objid = 7461205");
            await WriteAsync(Day.AddHours(4), 2);
            await Assert.ThrowsAnyAsync<Npgsql.NpgsqlException>(() => first);
        }

        await _store.QueryAsync("delete from iiot_data.rollup_pending");
        Assert.Equal([1, 2], await ValuesAsync());
        Assert.Equal(1, await other.Services.GetRequiredService<Compactor>().CompactAsync(int.MaxValue, CancellationToken.None));
        Assert.Equal([1, 2], await ValuesAsync());
    }

    [Fact]
    public async Task Without_compaction_the_marks_of_late_writes_do_not_pile_up()
    {
        await _store.DisposeAsync();
        _store = await PostgresStore.MakeAsync(cluster, configure: options => options.CompactAfter = null);
        await WriteAsync(Day.AddHours(3), 1);
        await CloseAsync();
        await WriteAsync(Day.AddHours(3.5), 2);
        Assert.Equal(1L, await _store.QueryAsync("select count(*) from iiot_data.late_write"));
        Assert.Equal(0, await CompactAsync());
        Assert.Equal(0L, await _store.QueryAsync("select count(*) from iiot_data.late_write"));
        Assert.Equal([1, 2], await ValuesAsync());
    }

    [Fact]
    public async Task A_compaction_that_broke_off_is_done_again()
    {
        await WriteRandomAsync(4);
        var before = await ReadAllAsync();

        // The chunks are there, the frames too: as after a crash between the two.
        await CloseAsync();
        await _store.QueryAsync("alter function iiot_data.empty_frames(timestamptz, interval) rename to empty_frames_kept");
        await _store.QueryAsync(
            "create function iiot_data.empty_frames(at timestamptz, wait interval) returns boolean language plpgsql as $$ begin raise exception 'killed'; end $$"
        );
        Assert.Equal(0, await Compactor.CompactAsync(int.MaxValue, CancellationToken.None));
        AssertSame(before, await ReadAllAsync());
        await _store.QueryAsync(
            "drop function iiot_data.empty_frames(timestamptz, interval); alter function iiot_data.empty_frames_kept(timestamptz, interval) rename to empty_frames"
        );

        // The host that failed waits; the next one need not.
        Assert.Equal(0, await CompactAsync());
        await using var other = await PostgresStore.MakeAsync(cluster, _store.DatabaseName);
        Assert.Equal(2, await other.Services.GetRequiredService<Compactor>().CompactAsync(int.MaxValue, CancellationToken.None));
        Assert.Equal(0L, await _store.QueryAsync("select count(*) from iiot_data.telemetry_frame"));
        AssertSame(before, await ReadAllAsync());
    }

    [Fact]
    public async Task A_frame_that_cannot_be_read_is_set_aside_and_keeps_nothing_as_it_is()
    {
        using var counted = new MetricCollector<long>(
            _store.Services.GetRequiredService<IMeterFactory>(),
            "Insa.Iiot.Storage.Postgres",
            "insa.iiot.postgres.quarantined"
        );
        await WriteAsync(Day.AddHours(3), 1);
        await WriteAsync(Day.AddHours(4), 2);
        await WriteAsync(Day.AddDays(1).AddHours(3), 3);
        await _store.QueryAsync(
            $"update iiot_data.telemetry_frame set vals = '\\x0102' where ts in ('{Day.AddHours(3):O}', '{Day.AddDays(1).AddHours(3):O}')"
        );
        Assert.Equal(2, await CompactAsync());
        Assert.Equal([2], await ValuesAsync());
        Assert.Equal(0L, await _store.QueryAsync("select count(*) from iiot_data.telemetry_frame"));
        Assert.Equal(
            "1 0102 03:00, 1 0102 03:00",
            await _store.QueryAsync(
                "select string_agg(concat_ws(' ', tenant_no, encode(bytes, 'hex'), to_char(starts at time zone 'UTC', 'HH24:MI')), ', ') from iiot_data.quarantine"
            )
        );
        Assert.Equal(2, counted.GetMeasurementSnapshot().EvaluateAsCounter());
    }

    [Fact]
    public async Task A_frame_that_was_set_aside_is_not_set_aside_again_when_the_compaction_broke_off()
    {
        await WriteAsync(Day.AddHours(3), 1);
        await _store.QueryAsync("update iiot_data.telemetry_frame set vals = '\\x0102'");
        await CloseAsync();
        await using (await BlockAsync("lock table iiot_data.telemetry_frame_20260501t00 in access share mode"))
        {
            var broken = Compactor.CompactAsync(int.MaxValue, CancellationToken.None);
            await Blocked.WaitAsync(_store, 1);
            await _store.QueryAsync("select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objid = 7461205");
            await Assert.ThrowsAnyAsync<Npgsql.NpgsqlException>(() => broken);
        }

        Assert.Equal(1L, await _store.QueryAsync("select count(*) from iiot_data.quarantine"));
        Assert.Equal(1, await CompactAsync());
        Assert.Equal(1L, await _store.QueryAsync("select count(*) from iiot_data.quarantine"));
    }

    [Fact]
    public async Task A_chunk_that_cannot_be_read_is_set_aside_when_frames_join_it_and_its_rollup_stays()
    {
        var rollups = _store.Services.GetRequiredService<RollupJob>();
        await WriteAsync(Day.AddHours(3), 1);
        await WriteAsync(Day.AddHours(4), 2);
        await rollups.RunAsync(int.MaxValue, CancellationToken.None);
        await Compactor.CompactAsync(int.MaxValue, CancellationToken.None);
        await _store.QueryAsync("update iiot_data.telemetry_chunk set d = '\\x0102'");
        await WriteAsync(Day.AddHours(3.5), 10);
        await WriteAsync(Day.AddHours(7), 20);
        await rollups.RunAsync(int.MaxValue, CancellationToken.None);
        Assert.Equal(1, await Compactor.CompactAsync(int.MaxValue, CancellationToken.None));
        await rollups.RunAsync(int.MaxValue, CancellationToken.None);

        Assert.Equal([10, 20], await ValuesAsync());
        Assert.Equal("0102", await _store.QueryAsync("select encode(bytes, 'hex') from iiot_data.quarantine"));
        Assert.Equal(
            "1:1,1:2,1:20",
            await _store.QueryAsync("select string_agg(n || ':' || max, ',' order by bucket) from iiot_data.rollup_hour")
        );
    }

    [Fact]
    public void A_portion_is_as_large_as_its_points_and_divides_no_device()
    {
        const long Megabyte = 1024 * 1024;
        List<SpanStreams.Stream> streams =
        [
            .. Enumerable.Range(0, 100).Select(i => new SpanStreams.Stream(i / 2, i, [1], 1, i < 50 ? Megabyte : 20 * Megabyte)),
        ];
        var portions = new SpanStreams(1, streams).Portions().ToList();
        Assert.Equal(streams, portions.SelectMany(portion => portion));
        Assert.All(portions, portion => Assert.InRange(portion.Sum(stream => stream.Bytes), 1, (96 + 20) * Megabyte));
        Assert.InRange(portions.Count, 8, 16);
        Assert.Equal(portions.Count, portions.Select(portion => portion[0].DeviceNo).Distinct().Count());

        var (first, second) = SpanStreams.Halve(portions[0]);
        Assert.Equal(portions[0], first.Concat(second));
        Assert.Throws<TelemetryStoreException>(() => SpanStreams.Halve([streams[0], streams[1]]));
    }

    [Fact]
    public async Task Pages_join_without_a_gap_or_a_repeat_across_chunks_and_frames()
    {
        await WriteRandomAsync(5);
        await CompactAsync();
        await WriteRandomAsync(6);
        foreach (var limit in (int[])[50, 333])
        {
            var all = await ReadAsync(new TelemetryQuery { Device = Press, Limit = int.MaxValue });
            var paged = new List<TelemetryPoint>();
            TelemetryCursor? after = null;
            while (true)
            {
                var page = await ReadAsync(
                    new TelemetryQuery
                    {
                        Device = Press,
                        Limit = limit,
                        After = after,
                    }
                );
                if (page.Count == 0)
                    break;
                paged.AddRange(page);
                after = new TelemetryCursor(page[^1].Timestamp, page[^1].Metric);
            }

            Assert.Equal(all, paged);
        }
    }

    // Until it is disposed of.
    private async Task<Npgsql.NpgsqlConnection> BlockAsync(string sql)
    {
        var connection = new Npgsql.NpgsqlConnection(cluster.Server.AdminConnectionString(_store.DatabaseName));
        await connection.OpenAsync();
        await using var command = new Npgsql.NpgsqlCommand($"begin; {sql}", connection);
        await command.ExecuteNonQueryAsync();
        return connection;
    }

    private Compactor Compactor => _store.Services.GetRequiredService<Compactor>();

    // All hours are closed and rolled up, as the rollups would have it.
    private Task<object?> CloseAsync() =>
        _store.QueryAsync("update iiot_data.telemetry_state set closed_before = '2026-06-01'; delete from iiot_data.rollup_pending");

    private async Task<int> CompactAsync()
    {
        await CloseAsync();
        return await Compactor.CompactAsync(int.MaxValue, CancellationToken.None);
    }

    private async Task WriteAsync(DateTime timestamp, double value)
    {
        using var writer = new BatchWriter();
        writer.Add(Plant, Press, timestamp, frame => frame.AddDouble("n"u8, value));
        await _store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
    }

    // Two days, two tenants, two devices, layouts that share metrics and instants, every kind of value and quality.
    private async Task WriteRandomAsync(int seed)
    {
        var random = new Random(seed);
        for (var batch = 0; batch < 4; batch++)
        {
            using var writer = new BatchWriter();
            for (var i = 0; i < 400; i++)
            {
                var tenant = random.Next(2) == 0 ? Plant : Other;
                var device = random.Next(2) == 0 ? Press : Pump;
                writer.Add(
                    tenant,
                    device,
                    Day.AddMinutes(random.Next(2 * 24 * 60)).AddMicroseconds(random.Next(2)),
                    frame => AddRandom(frame, random)
                );
            }

            await _store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
        }
    }

    private static void AddRandom(TelemetryFrameWriter frame, Random random)
    {
        for (var metric = random.Next(3); metric < 6; metric += 1 + random.Next(3))
        {
            var name = Encoding.UTF8.GetBytes($"m{metric}");
            var quality = (TelemetryQuality)(random.Next(4) == 0 ? random.Next(11) : 0);
            switch (random.Next(8))
            {
                case 0:
                    frame.AddLong(name, random.NextInt64(), quality);
                    break;
                case 1:
                    frame.AddBool(name, random.Next(2) == 0, quality);
                    break;
                case 2:
                    frame.AddText(name, Encoding.UTF8.GetBytes(new string('ä', random.Next(4))), quality);
                    break;
                case 3:
                    frame.AddJson(name, "{\"a\":[1]}"u8, quality);
                    break;
                default:
                    frame.AddDouble(name, Math.Round(random.NextDouble() * 100, random.Next(5)), quality);
                    break;
            }
        }

        frame.AddDouble("always"u8, random.NextDouble());
    }

    private async Task<List<List<TelemetryPoint>>> ReadAllAsync()
    {
        var all = new List<List<TelemetryPoint>>();
        foreach (var tenant in (TenantId[])[Plant, Other])
        {
            foreach (var device in (DeviceId[])[Press, Pump])
            {
                all.Add(await ReadAsync(new TelemetryQuery { Device = device, Limit = int.MaxValue }, tenant));
                all.Add(
                    await ReadAsync(
                        new TelemetryQuery
                        {
                            Device = device,
                            Limit = 300,
                            Metrics = ["m3", "always"],
                            From = Day.AddHours(20),
                        },
                        tenant
                    )
                );
                all.Add([.. await _store.Reader.ReadLatestAsync(tenant, device)]);
            }
        }

        return all;
    }

    private static void AssertSame(List<List<TelemetryPoint>> expected, List<List<TelemetryPoint>> actual)
    {
        Assert.Equal(expected.Count, actual.Count);
        for (var i = 0; i < expected.Count; i++)
        {
            Assert.NotEmpty(expected[i]);
            Assert.Equal(expected[i], actual[i]);
        }
    }

    private async Task<List<TelemetryPoint>> ReadAsync(TelemetryQuery query, TenantId tenant = default)
    {
        var points = new List<TelemetryPoint>();
        await foreach (var point in _store.Reader.ReadAsync(tenant.IsSpecified ? tenant : Plant, query))
            points.Add(point);
        return points;
    }

    private async Task<IEnumerable<double>> ValuesAsync() =>
        (await ReadAsync(new TelemetryQuery { Device = Press })).Select(point => point.Value.AsDouble());
}
