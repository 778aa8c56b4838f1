using Insa.Iiot.Conformance;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Tests.Isolation;

/// <summary>What can be had by any SQL over a connection that writes telemetry.</summary>
public sealed class WriterRoleTests(TwoTenants data, PostgresCluster cluster) : IClassFixture<TwoTenants>
{
    private const string Frames = "iiot_data.telemetry_frame";

    [Fact]
    public async Task It_reads_nothing_anywhere()
    {
        await using var writer = await RawConnection.OpenAsync(data.Store.Database.Writer, data.TheirsNo);
        foreach (var relation in data.Relations)
        {
            foreach (var verb in (string[])["select from", "copy (table", "lock"])
            {
                var sql = verb == "copy (table" ? $"copy (table {relation.Name}) to stdout" : $"{verb} {relation.Name}";
                var isOwnLock = verb == "lock" && relation.Name == Frames;
                if (!isOwnLock)
                    Assert.Equal((sql, RawConnection.Refused), (sql, (await writer.TryAsync(sql)).Refusal?.SqlState));
            }
        }
    }

    [Fact]
    public async Task It_changes_nothing_but_adds_frames()
    {
        await using var writer = await RawConnection.OpenAsync(data.Store.Database.Writer, data.TheirsNo);
        foreach (var relation in data.Relations.Where(relation => relation.Kind is 'r' or 'p'))
        {
            foreach (var verb in (string[])["delete from", "truncate"])
                Assert.Equal(RawConnection.Refused, (await writer.TryAsync($"{verb} {relation.Name}")).Refusal?.SqlState);
            if (relation.Name != Frames && relation.IsOfTenant)
                Assert.Equal(
                    RawConnection.Refused,
                    (await writer.TryAsync(await data.InsertAsync(relation.Name, data.TheirsNo))).Refusal?.SqlState
                );
        }

        Assert.Equal(RawConnection.Refused, (await writer.TryAsync($"update {Frames} set vals = ''")).Refusal?.SqlState);
    }

    [Fact]
    public async Task What_is_stored_cannot_be_read_by_what_an_insert_returns_or_refuses()
    {
        await using var writer = await RawConnection.OpenAsync(data.Store.Database.Writer);
        var stored = await data.Store.QueryAsync(
            $"select format('(%L, %L, %s, %s, %L)', ts, '2099-01-01', tenant_no, stream_no, '\\x00'::bytea) from {Frames} where tenant_no = {data.TheirsNo} limit 1"
        );
        var insert = $"insert into {Frames} (ts, arrived_at, tenant_no, stream_no, vals) values {stored}";
        Assert.Equal(RawConnection.Refused, (await writer.TryAsync($"{insert} returning vals")).Refusal?.SqlState);
        Assert.Equal(
            RawConnection.Refused,
            (await writer.TryAsync($"{insert} on conflict (tenant_no, stream_no, ts) do update set vals = excluded.vals")).Refusal?.SqlState
        );

        await using var told = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(data.Store.Database.Writer.ConnectionString)
            {
                IncludeErrorDetail = true,
                Pooling = false,
            }.ConnectionString
        );
        await told.OpenAsync();
        await told.ExecuteAsync("begin");
        var refusal = (await told.TryAsync(insert)).Refusal!;
        Assert.Equal(PostgresErrorCodes.UniqueViolation, refusal.SqlState);
        Assert.Null(refusal.Detail);
        Assert.DoesNotContain("theirs", refusal.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Its_functions_give_numbers_and_no_names()
    {
        await using var writer = await RawConnection.OpenAsync(data.Store.Database.Writer);
        var answers = "";
        foreach (
            var call in (string[])
                [
                    "row_to_json(x)::text from iiot_data.find_streams('theirs', array['device-of-theirs', 'unheard-of'], array['said', 'said']) x",
                    "row_to_json(x)::text from iiot_data.begin_write() x",
                    "row_to_json(x)::text from iiot_data.ensure_partition('2026-05-01') x",
                    $"iiot_data.touch_streams({data.TheirsNo}, array[1], array['2026-05-01'::timestamptz])::text",
                ]
        )
            answers += await writer.ScalarAsync("select " + call);
        Assert.DoesNotContain("theirs", answers, StringComparison.Ordinal);
        Assert.DoesNotContain("said", answers, StringComparison.Ordinal);

        // Nothing of the tenant they worked for is left to the transaction.
        Assert.Equal("", await writer.ScalarAsync("select current_setting('iiot.tenant') || current_setting('iiot.tenant_name')"));
    }

    [Fact]
    public async Task A_forged_stream_of_another_tenant_never_shows_up()
    {
        await using var app = await data.Store.Database.App.OpenConnectionAsync();
        var before = await ReadBothAsync();
        await using (var writer = await RawConnection.OpenAsync(data.Store.Database.Writer))
        {
            foreach (var (tenant, streamsOf) in ((int, int)[])[(data.MineNo, data.TheirsNo), (data.TheirsNo, data.MineNo)])
            {
                var streams = (int[])
                    (await data.Store.QueryAsync($"select array_agg(stream_no) from iiot.telemetry_stream where tenant_no = {streamsOf}"))!;
                foreach (var stream in streams)
                    await writer.ExecuteAsync(
                        $"insert into {Frames} (ts, arrived_at, tenant_no, stream_no, vals) values ('{TwoTenants.Noon.AddMinutes(1):O}', '2099-01-01', {tenant}, {stream}, '\\x4045000000000000')"
                    );
            }

            await writer.ExecuteAsync("commit");
        }

        try
        {
            Assert.Equal(before, await ReadBothAsync());
        }
        finally
        {
            await data.Store.QueryAsync($"delete from {Frames} where arrived_at = '2099-01-01'");
        }
    }

    /// <summary>What the walls of the write path do not do: who can write, writes for whom they like.</summary>
    [Fact]
    public async Task A_stolen_writer_forges_what_streams_say_but_reads_and_deletes_nothing()
    {
        await using var own = new TwoTenants(cluster);
        await own.InitializeAsync();
        var streams =
            $"(select stream_no, row_number() over (order by stream_no) from iiot.telemetry_stream where tenant_no = {own.TheirsNo})";
        var stream = (int)(await own.Store.QueryAsync($"select min(stream_no) from {streams} s"))!;
        await using (var writer = await RawConnection.OpenAsync(own.Store.Database.Writer))
        {
            // A matched pair at a new time, another value at a time that is there, and marks for any hour.
            var text = "'\\x0000000000000006'::bytea, '\\x0300'::bytea || 'forged'";
            await writer.ExecuteAsync(
                $"insert into {Frames} (ts, arrived_at, tenant_no, stream_no, vals, extra) values ('{TwoTenants.Noon.AddMinutes(1):O}', '2099-01-01', {own.TheirsNo}, {stream}, {text})"
            );
            await writer.ExecuteAsync(
                $"""
                select iiot_data.write_frames(1, array[{own.TheirsNo}], array[{stream}], array['{TwoTenants.Noon:O}'::timestamptz],
                  array['2099-01-01'::timestamptz], array[0], array[8], array[8], array[8], '\x0000000000000006'::bytea || '\x0300'::bytea || 'forged')
                """
            );
            await writer.ExecuteAsync(
                $"select iiot_data.mark_late(array[{own.TheirsNo}], array[{stream}], array['2026-05-01'::timestamptz])"
            );
            foreach (var verb in (string[])["select from", "delete from", "truncate", "update"])
            {
                foreach (var table in (string[])[Frames, "iiot_data.rollup_pending", "iiot_data.late_write"])
                {
                    var set = verb == "update" ? " set tenant_no = 1" : "";
                    Assert.NotNull((await writer.TryAsync($"{verb} {table}{set}")).Refusal);
                }
            }

            await writer.ExecuteAsync("commit");
        }

        var said = new List<string>();
        foreach (var device in (string[])["shared", "device-of-theirs"])
        {
            await foreach (
                var point in own.Store.Reader.ReadAsync(TwoTenants.Theirs, new TelemetryQuery { Device = DeviceId.Parse(device) })
            )
                said.Add(point.Value.AsText());
        }

        Assert.Equal(["forged", "forged", "words of theirs"], said.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_stream_is_never_said_to_have_come_further_than_a_frame_of_its_own()
    {
        var last = $"select max(last_ts) from iiot.telemetry_stream where tenant_no = {data.TheirsNo}";
        var streams = (int[])
            (await data.Store.QueryAsync($"select array_agg(stream_no) from iiot.telemetry_stream where tenant_no = {data.TheirsNo}"))!;
        await using (var writer = await RawConnection.OpenAsync(data.Store.Database.Writer))
        {
            foreach (var time in (string[])["2099-01-01", "infinity", $"{TwoTenants.Noon.AddMicroseconds(1):O}"])
                await writer.ExecuteAsync(
                    $"select iiot_data.touch_streams({data.TheirsNo}, array[{string.Join(',', streams)}], array_fill('{time}'::timestamptz, array[{streams.Length}]))"
                );
            await writer.ExecuteAsync("commit");
        }

        Assert.Equal(DBNull.Value, await data.Store.QueryAsync(last));
        await data.Store.Streams.NoteAsync(CancellationToken.None);
        Assert.Equal(TwoTenants.Noon, await data.Store.QueryAsync(last));
        await ReadBothAsync();
    }

    private async Task<List<string>> ReadBothAsync()
    {
        var all = new List<string>();
        foreach (var tenant in (TenantId[])[TwoTenants.Mine, TwoTenants.Theirs])
        {
            foreach (var device in (string[])["shared", "device-of-mine", "device-of-theirs"])
            {
                await foreach (var point in data.Store.Reader.ReadAsync(tenant, new TelemetryQuery { Device = DeviceId.Parse(device) }))
                    all.Add($"{tenant} {device} {point}");
                foreach (var point in await data.Store.Reader.ReadLatestAsync(tenant, DeviceId.Parse(device)))
                    all.Add($"{tenant} {device} latest {point}");
            }
        }

        Assert.Equal(8, all.Count);
        Assert.DoesNotContain(
            all,
            line => line.StartsWith("mine", StringComparison.Ordinal) && line.Contains("theirs", StringComparison.Ordinal)
        );
        return all;
    }
}
