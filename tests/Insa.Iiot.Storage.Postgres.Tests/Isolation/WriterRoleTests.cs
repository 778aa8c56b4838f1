using Insa.Iiot.Conformance;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Tests.Isolation;

/// <summary>What can be had by any SQL over a connection that writes telemetry.</summary>
public sealed class WriterRoleTests(TwoTenants data) : IClassFixture<TwoTenants>
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
