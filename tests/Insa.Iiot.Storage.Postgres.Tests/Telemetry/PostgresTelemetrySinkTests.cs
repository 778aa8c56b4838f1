using System.Globalization;
using Insa.Iiot.Conformance;
using Insa.Iiot.Storage.Postgres.Telemetry;
using Insa.Iiot.Storage.Postgres.Tests.Isolation;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Tests.Telemetry;

/// <summary>Whatever the server refuses, drops, changes or kills: each frame is stored once, or refused alone.</summary>
public sealed class PostgresTelemetrySinkTests(PostgresCluster cluster) : IAsyncLifetime
{
    // The sink writes fewer frames by a call, more by COPY.
    private const int FewFrames = 3;
    private const int CopyFrames = 300;

    private const double Bad = 17;
    private static readonly TenantId Plant = TenantId.Parse("plant");
    private static readonly DeviceId Press = DeviceId.Parse("press");
    private static readonly DateTime Noon = new(2026, 5, 1, 12, 0, 0, DateTimeKind.Utc);

    private PostgresStore _store = null!;

    public async ValueTask InitializeAsync() => _store = await PostgresStore.MakeAsync(cluster);

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Theory]
    [InlineData(1, 0)]
    [InlineData(FewFrames, 0)]
    [InlineData(FewFrames, 2)]
    [InlineData(5000, 0)]
    [InlineData(5000, 1234)]
    [InlineData(5000, 4999)]
    public async Task A_frame_that_the_server_refuses_is_rejected_alone(int frames, int bad)
    {
        await RefuseBadAsync();
        using var writer = Frames(frames, i => i == bad ? Bad : 1);
        await WriteAsync(writer);
        var chunk = writer.Batch.Chunks[0];
        for (var i = 0; i < frames; i++)
            Assert.Equal(i == bad ? IngestReason.Unstorable : IngestReason.None, chunk.RejectionOf(i));
        Assert.Equal(frames - 1, await CountAsync());
    }

    [Fact]
    public async Task All_frames_of_a_refused_stream_are_rejected_and_all_others_stored()
    {
        await _store.QueryAsync(
            """
            create function public.refuse() returns trigger language plpgsql as $$
            begin if new.stream_no % 2 = 0 then raise exception 'not this one'; end if; return new; end $$;
            grant execute on function public.refuse to public;
            create trigger refuse before insert on iiot_data.telemetry_frame for each row execute function public.refuse()
            """
        );
        using var writer = new BatchWriter();
        for (var i = 0; i < 40; i++)
            writer.Add(Plant, DeviceId.Parse($"d{i % 4}"), Noon.AddSeconds(i), frame => frame.AddDouble("n"u8, 1));
        await WriteAsync(writer);
        Assert.Equal(20, Rejections(writer).Count(reason => reason == IngestReason.Unstorable));
        Assert.Equal(20, await CountAsync());
    }

    [Fact]
    public async Task With_a_refused_frame_go_those_that_it_replaced()
    {
        await RefuseBadAsync();
        using var writer = new BatchWriter();
        foreach (var (ticks, value) in ((long, double)[])[(3, 1), (0, Bad), (10, 2)])
            writer.Add(Plant, Press, Noon.AddTicks(ticks), frame => frame.AddDouble("n"u8, value));
        await WriteAsync(writer);
        Assert.Equal([IngestReason.Unstorable, IngestReason.Unstorable, IngestReason.None], Rejections(writer));
        Assert.Equal([2], await ValuesAsync());
    }

    [Fact]
    public async Task A_replay_makes_no_second_row_and_the_next_batches_go_through()
    {
        for (var round = 0; round < 2; round++)
        {
            using var writer = Frames(5000, i => i);
            await WriteAsync(writer);
            Assert.Equal(5000, await CountAsync());
        }

        for (var batch = 1; batch <= 20; batch++)
        {
            using var next = Frames(CopyFrames, i => i, Noon.AddDays(batch));
            await WriteAsync(next);
            Assert.Equal(5000 + (batch * CopyFrames), await CountAsync());
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(CopyFrames - 1)]
    [InlineData(CopyFrames)]
    public async Task A_batch_that_is_partly_stored_is_stored_whole_with_its_own_values(int stored)
    {
        using var before = Frames(Math.Max(1, stored), _ => -1, stored == 0 ? Noon.AddDays(3) : Noon);
        await WriteAsync(before);
        ((PostgresTelemetrySink)_store.Sink).ExpectReplays(1);
        using var batch = Frames(CopyFrames, i => i);
        await WriteAsync(batch);
        Assert.Equal(Enumerable.Range(0, CopyFrames).Select(i => (double)i), (await ValuesAsync()).Take(CopyFrames));
        Assert.Equal(CopyFrames + (stored == 0 ? 1 : 0), await CountAsync());
    }

    [Theory]
    [InlineData(FewFrames)]
    [InlineData(CopyFrames)]
    public async Task Of_a_key_that_repeats_in_a_batch_the_last_is_kept(int keys)
    {
        using var writer = new BatchWriter();
        for (var i = 0; i < 3 * keys; i++)
            writer.Add(Plant, Press, Noon.AddSeconds(i % keys), frame => frame.AddDouble("n"u8, i));
        await WriteAsync(writer);
        Assert.Equal(Enumerable.Range(2 * keys, keys).Select(i => (double)i), await ValuesAsync());
    }

    [Fact]
    public async Task Of_frames_within_one_microsecond_the_last_to_arrive_is_kept()
    {
        using var writer = new BatchWriter();
        writer.Add(Plant, Press, Noon.AddTicks(9), frame => frame.AddDouble("n"u8, 1));
        writer.Add(Plant, Press, Noon.AddTicks(2), frame => frame.AddDouble("n"u8, 2));
        await WriteAsync(writer);
        Assert.Equal([2], await ValuesAsync());
    }

    [Theory]
    [InlineData(FewFrames, false)]
    [InlineData(FewFrames, true)]
    [InlineData(CopyFrames, false)]
    [InlineData(CopyFrames, true)]
    public async Task Of_two_writes_at_once_the_later_arrival_counts_whichever_commits_first(int frames, bool isOtherLater)
    {
        await using var other = await HoldAsync(isOtherLater ? "2100-01-01" : "2000-01-01");
        using var writer = Frames(frames, _ => 1);
        var write = WriteAsync(writer);
        await Blocked.WaitAsync(_store, 1);
        await other.ExecuteAsync("commit");
        await write;
        var values = await ValuesAsync();
        Assert.Equal(frames, values.Count);
        Assert.Equal(isOtherLater ? 42 : 1, values[0]);
        Assert.All(values.Skip(1), value => Assert.Equal(1, value));
    }

    [Fact]
    public async Task Two_hosts_that_write_the_same_keys_at_once_agree_on_the_later_arrival()
    {
        await using var second = await PostgresStore.MakeAsync(cluster, _store.DatabaseName);
        for (var round = 0; round < 10; round++)
        {
            using var earlier = Frames(CopyFrames, _ => round);
            using var later = Frames(CopyFrames, _ => round + 0.5);
            var (one, other) = round % 2 == 0 ? (earlier, later) : (later, earlier);
            await Task.WhenAll(WriteAsync(one), second.Sink.WriteAsync(other.Batch, CancellationToken.None));
            var values = await ValuesAsync();
            Assert.Equal(CopyFrames, values.Count);
            Assert.All(values, value => Assert.Equal(round + 0.5, value));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Of_two_layouts_at_one_instant_the_later_arrival_counts_whichever_is_written_first(bool isReversed)
    {
        using var earlier = Frames(1, _ => 1);
        using var later = new BatchWriter();
        later.Add(
            Plant,
            Press,
            Noon,
            frame =>
            {
                frame.AddDouble("other"u8, 0);
                frame.AddDouble("n"u8, 2);
            }
        );
        foreach (var writer in isReversed ? (BatchWriter[])[later, earlier] : [earlier, later])
            await WriteAsync(writer);
        Assert.Equal([2], await ValuesAsync());
        Assert.Equal(2, await CountAsync());
    }

    [Theory]
    [InlineData("1995-03-01")]
    [InlineData("1970-01-01")]
    [InlineData("2050-12-31")]
    public async Task A_frame_of_any_day_gets_its_partition_made(string day)
    {
        var date = DateTime.Parse(day, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);
        foreach (var time in (DateTime[])[date, date.AddDays(1).AddMicroseconds(-1)])
        {
            using var writer = Frames(1, _ => 1, time);
            await WriteAsync(writer);
        }

        Assert.Equal([1, 1], await ValuesAsync());
        Assert.Equal(1L, await _store.QueryAsync("select count(distinct tableoid) from iiot_data.telemetry_frame"));
    }

    [Theory]
    [InlineData(FewFrames)]
    [InlineData(CopyFrames)]
    public async Task A_partition_that_was_dropped_between_two_writes_is_made_again(int frames)
    {
        for (var round = 0; round < 2; round++)
        {
            using var writer = Frames(frames, i => i);
            await WriteAsync(writer);
            Assert.Equal(frames, await CountAsync());
            await _store.QueryAsync("drop table iiot_data.telemetry_frame_20260501t00");
        }
    }

    [Theory]
    [InlineData(FewFrames)]
    [InlineData(CopyFrames)]
    public async Task Numbers_of_another_generation_are_asked_for_again(int frames)
    {
        // The same batch, so that its layout is one that is remembered.
        using var writer = Frames(frames, _ => 2);
        await WriteAsync(writer);

        // As after a restore: the same names have other numbers now.
        await _store.QueryAsync(
            """
            delete from iiot_data.telemetry_frame; delete from iiot.telemetry_stream; delete from iiot.telemetry_device;
            update iiot_data.telemetry_state set generation = generation + 1
            """
        );
        await WriteAsync(writer);
        Assert.Equal(Enumerable.Repeat(2.0, frames), await ValuesAsync());
        Assert.Equal(frames, await CountAsync());
    }

    [Theory]
    [InlineData(FewFrames)]
    [InlineData(5000)]
    public async Task A_write_that_is_cancelled_midway_leaves_nothing_behind(int frames)
    {
        using var writer = Frames(frames, i => i);
        await using (var other = await HoldAsync("2000-01-01"))
        {
            using var cancel = new CancellationTokenSource();
            var write = _store.Sink.WriteAsync(writer.Batch, cancel.Token);
            await Blocked.WaitAsync(_store, 1);
            await cancel.CancelAsync();
            await other.ExecuteAsync("rollback");
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write);
        }

        Assert.Equal(0, await CountAsync());
        await WriteAsync(writer);
        Assert.Equal(frames, await CountAsync());
    }

    [Theory]
    [InlineData(FewFrames)]
    [InlineData(5000)]
    public async Task A_write_whose_connection_is_killed_is_transient_and_succeeds_when_it_is_tried_again(int frames)
    {
        using var writer = Frames(frames, i => i);
        await using (var other = await HoldAsync("2000-01-01"))
        {
            var write = WriteAsync(writer);
            await Blocked.WaitAsync(_store, 1);
            await _store.QueryAsync(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = 'iiot_host'"
            );
            Assert.True((await Assert.ThrowsAsync<TelemetryStoreException>(() => write)).IsTransient);
            await other.ExecuteAsync("rollback");
        }

        Assert.Equal(0, await CountAsync());
        await AgainAsync(writer);
        Assert.Equal(frames, await CountAsync());
        Assert.False(writer.Batch.Chunks[0].HasRejections);
    }

    [Theory]
    [InlineData("execute on function iiot_data.begin_write", CopyFrames)]
    [InlineData("execute on function iiot_data.write_frames", FewFrames)]
    [InlineData("execute on function iiot_data.find_streams", FewFrames)]
    [InlineData("execute on function iiot_data.ensure_partition", FewFrames)]
    [InlineData("insert on iiot_data.telemetry_frame", CopyFrames)]
    [InlineData("usage on schema iiot_data", FewFrames)]
    public async Task A_right_that_is_taken_away_refuses_no_frame_for_good(string right, int frames)
    {
        await _store.Database.ReadyAsync(CancellationToken.None);
        await _store.QueryAsync($"revoke {right} from iiot_writer");
        using var writer = Frames(frames, i => i);
        var refusal = await Assert.ThrowsAsync<TelemetryStoreException>(() => WriteAsync(writer));
        Assert.True(refusal.IsTransient);
        Assert.Contains("docs/postgres.md", refusal.Message, StringComparison.Ordinal);
        Assert.False(writer.Batch.Chunks[0].HasRejections);
        await _store.QueryAsync($"grant {right} to iiot_writer");
        await WriteAsync(writer);
        Assert.Equal(frames, await CountAsync());
    }

    [Fact]
    public async Task Hosts_that_meet_new_names_and_a_new_day_at_once_agree_on_them()
    {
        const int Hosts = 4;
        const int Devices = 60;
        var random = new Random(1);
        var hosts = new List<PostgresStore>();
        for (var i = 0; i < Hosts; i++)
            hosts.Add(await PostgresStore.MakeAsync(cluster, _store.DatabaseName));
        for (var day = 0; day < 3; day++)
        {
            var writers = hosts.ConvertAll(_ => new BatchWriter());
            foreach (var writer in writers)
            {
                foreach (var device in Enumerable.Range(0, Devices).OrderBy(_ => random.Next()))
                    writer.Add(
                        Plant,
                        DeviceId.Parse($"d{day}-{device}"),
                        Noon.AddDays(day),
                        frame => frame.AddDouble(System.Text.Encoding.UTF8.GetBytes($"m{day}-{device % 7}"), device)
                    );
            }

            await Task.WhenAll(
                hosts.Zip(writers, (host, writer) => Task.Run(() => host.Sink.WriteAsync(writer.Batch, CancellationToken.None)))
            );
            writers.ForEach(writer => writer.Dispose());
            Assert.Equal(Devices * (day + 1), await CountAsync());
            Assert.Equal(Devices * (day + 1L), await _store.QueryAsync("select count(*) from iiot.telemetry_stream"));
        }

        foreach (var host in hosts)
            await host.DisposeAsync();
    }

    [Fact]
    public async Task More_streams_than_are_remembered_are_still_written_where_they_belong()
    {
        await using var small = await PostgresStore.MakeAsync(cluster, _store.DatabaseName, options => options.MaxCachedStreams = 1000);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));

        using var writer = new BatchWriter(5200);
        for (var i = 0; i < 5200; i++)
            writer.Add(Plant, DeviceId.Parse($"d{i}"), Noon, frame => frame.AddDouble("n"u8, i));

        // First all are new, then a few are known.
        for (var round = 0; round < 2; round++)
            await small.Sink.WriteAsync(writer.Batch, limit.Token);

        Assert.Equal(5200, await CountAsync());
        Assert.Equal(
            0L,
            await _store.QueryAsync(
                """
                select count(*) from iiot_data.telemetry_frame f
                join iiot.telemetry_stream s on s.tenant_no = f.tenant_no and s.stream_no = f.stream_no
                join iiot.telemetry_device d on d.tenant_no = f.tenant_no and d.device_no = s.device_no
                where f.vals <> float8send(substring(d.name from 2)::float8)
                """
            )
        );
    }

    // The bytes of 42, in the first frame's place, not committed: who writes the same key waits.
    private async Task<NpgsqlConnection> HoldAsync(string arrivedAt)
    {
        using (var setup = Frames(1, _ => 0, Noon.AddDays(-1)))
            await WriteAsync(setup);
        var stream = await _store.QueryAsync("select format('%s, %s', tenant_no, stream_no) from iiot.telemetry_stream");
        await _store.QueryAsync("delete from iiot_data.telemetry_frame");
        await _store.QueryAsync($"select iiot_data.ensure_partition('{Noon:O}')");
        var connection = new NpgsqlConnection(cluster.Server.AdminConnectionString(_store.DatabaseName));
        await connection.OpenAsync();
        await connection.ExecuteAsync(
            $"begin; insert into iiot_data.telemetry_frame (ts, arrived_at, tenant_no, stream_no, vals) values ('{Noon:O}', '{arrivedAt}', {stream}, '\\x4045000000000000')"
        );
        return connection;
    }

    private Task<object?> RefuseBadAsync() =>
        _store.QueryAsync("alter table iiot_data.telemetry_frame add constraint refused check (vals <> float8send(17))");

    private static BatchWriter Frames(int count, Func<int, double> value, DateTime? from = null)
    {
        var writer = new BatchWriter(count);
        for (var i = 0; i < count; i++)
            writer.Add(Plant, Press, (from ?? Noon).AddSeconds(i), frame => frame.AddDouble("n"u8, value(i)));
        return writer;
    }

    private Task WriteAsync(BatchWriter writer) => _store.Sink.WriteAsync(writer.Batch, CancellationToken.None);

    // A pool may hold more connections that the server has closed; each is found out once.
    private async Task AgainAsync(BatchWriter writer)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await WriteAsync(writer);
                return;
            }
            catch (TelemetryStoreException e) when (e.IsTransient && attempt < 5) { }
        }
    }

    private static IEnumerable<IngestReason> Rejections(BatchWriter writer) =>
        Enumerable.Range(0, writer.Batch.Chunks[0].FrameCount).Select(writer.Batch.Chunks[0].RejectionOf);

    private async Task<int> CountAsync() => (int)(long)(await _store.QueryAsync("select count(*) from iiot_data.telemetry_frame"))!;

    private async Task<List<double>> ValuesAsync()
    {
        var query = new TelemetryQuery
        {
            Device = Press,
            Metrics = ["n"],
            Limit = int.MaxValue,
        };
        var values = new List<double>();
        await foreach (var point in _store.Reader.ReadAsync(Plant, query))
            values.Add(point.Value.AsDouble());
        return values;
    }
}
