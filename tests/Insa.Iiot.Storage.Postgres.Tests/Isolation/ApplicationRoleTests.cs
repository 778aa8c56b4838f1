using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Tests.Isolation;

/// <summary>What can be had by any SQL over a connection of the application.</summary>
public sealed class ApplicationRoleTests(TwoTenants data) : IClassFixture<TwoTenants>
{
    [Fact]
    public async Task Every_table_holds_rows_of_both_tenants()
    {
        foreach (var relation in data.Relations.Where(relation => relation is { IsOfTenant: true, IsLeaf: false, Kind: 'r' or 'p' }))
            Assert.True(
                2L == (long)(await data.Store.QueryAsync($"select count(distinct tenant_no) from {relation.Name}"))!,
                relation.Name
            );
    }

    [Theory]
    [InlineData("select")]
    [InlineData("set local iiot.tenant = ''")]
    [InlineData("set local iiot.tenant = '999999'")]
    [InlineData("set local iiot.tenant_name = 'nobody'; set local iiot.certificate = 'ff'")]
    public async Task Without_a_tenant_nothing_is_seen(string setting)
    {
        await using var app = await RawConnection.OpenAsync(data.Store.Database.App);
        await app.ExecuteAsync(setting);
        foreach (var relation in data.Relations.Where(relation => !SchemaCheck.IsCommon(relation.Name)))
            AssertNothing(relation, await app.TryAsync($"select * from {relation.Name}"));
    }

    [Fact]
    public async Task A_tenant_that_is_no_number_is_an_error_and_opens_nothing()
    {
        await using var app = await RawConnection.OpenAsync(data.Store.Database.App);
        foreach (var number in (string[])[$"{data.MineNo} or true", "mine", "null", "1.5", "99999999999"])
        {
            await app.ExecuteAsync($"set local iiot.tenant = '{number}'");
            Assert.StartsWith("22", (await app.TryAsync("select * from iiot.device")).Refusal!.SqlState, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_named_tenant_sees_its_own_rows_and_no_other()
    {
        await using var app = await RawConnection.OpenAsync(data.Store.Database.App, data.MineNo);
        var seen = 0;
        foreach (var relation in data.Relations.Where(relation => relation.IsOfTenant))
        {
            var (rows, refusal) = await app.TryAsync($"select from {relation.Name} where tenant_no is distinct from {data.MineNo}");
            AssertNothing(relation, (rows, refusal));
            if (refusal is null && (await app.TryAsync($"select from {relation.Name}")).Rows > 0)
                seen++;
        }

        // Every one that it may look into at all: 11 tables and the views of telemetry.
        Assert.Equal(data.Relations.Count(relation => relation is { IsOfApplication: true, IsOfTenant: true }), seen);
        Assert.True(seen >= 14);
    }

    [Fact]
    public async Task A_function_of_the_attackers_own_is_shown_no_row_of_another_tenant()
    {
        var told = new List<string>();
        await using var app = await RawConnection.OpenAsync(data.Store.Database.App, data.MineNo);
        app.Notice += (_, e) => told.Add(e.Notice.MessageText);
        await app.ExecuteAsync(
            """
            create function pg_temp.tell(seen text) returns boolean language plpgsql cost 0.0000001
            as $$ begin raise notice '%', seen; return true; end $$
            """
        );
        foreach (var relation in data.Relations.Where(relation => relation is { IsOfApplication: true, IsOfTenant: true }))
            await app.TryAsync($"select from {relation.Name} r where pg_temp.tell('tenant ' || tenant_no || r::text)");
        Assert.NotEmpty(told);
        Assert.All(told, row => Assert.StartsWith($"tenant {data.MineNo}(", row, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Rows_of_another_tenant_cannot_be_changed_deleted_locked_or_made()
    {
        var before = await data.FingerprintAsync(data.TheirsNo);
        await using (var app = await RawConnection.OpenAsync(data.Store.Database.App, data.MineNo))
        {
            foreach (var relation in data.Relations.Where(relation => relation.IsOfTenant))
            {
                var (table, theirs) = (relation.Name, data.TheirsNo);
                // A tenant's own number is generated: its name stands for the row.
                var column = table == "iiot.tenant" ? "name" : "tenant_no";
                AssertNothing(relation, await app.TryAsync($"update {table} set {column} = {column} where tenant_no = {theirs}"));
                AssertNothing(relation, await app.TryAsync($"update {table} set {column} = '{data.MineNo}' where tenant_no = {theirs}"));
                AssertNothing(relation, await app.TryAsync($"delete from {table} where tenant_no = {theirs}"));
                AssertNothing(relation, await app.TryAsync($"select from {table} where tenant_no = {theirs} for update"));
                Assert.NotNull((await app.TryAsync($"update {table} set {column} = '{theirs}'")).Refusal);
                if (relation.Kind is not 'v')
                {
                    Assert.Equal(RawConnection.Refused, (await app.TryAsync($"truncate {table} cascade")).Refusal?.SqlState);
                    Assert.NotNull((await app.TryAsync(await data.InsertAsync(table, theirs))).Refusal);
                    Assert.NotNull(
                        (await app.TryAsync(await data.InsertAsync(table, theirs, " on conflict do nothing returning *"))).Refusal
                    );
                }
            }

            await app.ExecuteAsync("commit");
        }

        Assert.Equal(before, await data.FingerprintAsync(data.TheirsNo));
    }

    [Fact]
    public async Task Rows_cannot_be_made_for_nobody_named()
    {
        await using var app = await RawConnection.OpenAsync(data.Store.Database.App);
        foreach (var relation in data.Relations.Where(relation => relation is { IsOfTenant: true, Kind: 'r' or 'p' }))
            Assert.Equal(RawConnection.Refused, (await app.TryAsync(await data.InsertAsync(relation.Name, data.MineNo))).Refusal!.SqlState);
    }

    [Fact]
    public async Task Base_tables_and_partitions_cannot_be_reached_by_any_verb()
    {
        await using var app = await RawConnection.OpenAsync(data.Store.Database.App, data.MineNo);
        foreach (var relation in data.Relations.Where(relation => !relation.IsOfApplication || relation.IsLeaf))
        {
            var name = relation.Name;
            foreach (
                var verb in (string[])
                    [
                        $"select from {name}",
                        $"insert into {name} default values",
                        $"delete from {name}",
                        $"truncate {name}",
                        $"copy {name} to stdout",
                        $"copy {name} from stdin",
                        $"create temp table taken (like {name})",
                        $"select '{name}'::regclass",
                        $"analyze {name}",
                        $"lock {name}",
                    ]
            )
                Assert.Equal(RawConnection.Refused, (await app.TryAsync(verb)).Refusal?.SqlState);
        }
    }

    [Fact]
    public async Task Copy_neither_shows_nor_makes_a_row_of_another_tenant()
    {
        await using var app = await RawConnection.OpenAsync(data.Store.Database.App, data.MineNo);
        using (var text = await app.BeginTextExportAsync("copy iiot.device to stdout"))
            Assert.DoesNotContain("theirs", await text.ReadToEndAsync(), StringComparison.Ordinal);
        Assert.Equal(PostgresErrorCodes.FeatureNotSupported, (await app.TryAsync("copy iiot.device from stdin")).Refusal?.SqlState);
    }

    [Fact]
    public async Task Row_level_security_cannot_be_switched_off()
    {
        await using var app = await RawConnection.OpenAsync(data.Store.Database.App, data.MineNo);
        await app.ExecuteAsync("set local row_security = off");
        foreach (var relation in data.Relations.Where(relation => relation is { IsOfTenant: true, Kind: 'r' }))
            Assert.Equal(RawConnection.Refused, (await app.TryAsync($"select from {relation.Name}")).Refusal?.SqlState);
    }

    [Fact]
    public async Task No_function_of_the_store_can_be_called()
    {
        var calls = await data.ListAsync(
            """
            select format('select * from %I.%I(%s)', n.nspname, p.proname,
              (select string_agg('null::' || format_type(t, null), ', ' order by place) from unnest(p.proargtypes) with ordinality u (t, place)))
            from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname in ('iiot', 'iiot_data')
            """
        );
        Assert.NotEmpty(calls);
        await using var app = await RawConnection.OpenAsync(data.Store.Database.App, data.MineNo);
        foreach (var call in calls)
            Assert.Equal(RawConnection.Refused, (await app.TryAsync(call)).Refusal?.SqlState);
    }

    [Fact]
    public async Task The_planners_statistics_tell_nothing()
    {
        await data.Store.QueryAsync("analyze");
        Assert.NotEqual(0L, await data.Store.QueryAsync("select count(*) from pg_stats where schemaname in ('iiot', 'iiot_data')"));
        await using var app = await RawConnection.OpenAsync(data.Store.Database.App, data.MineNo);
        Assert.Equal(
            0,
            (await app.TryAsync($"select from pg_stats where schemaname in ('iiot', 'iiot_data') and tablename <> 'schema_migration'")).Rows
        );
        Assert.Equal(RawConnection.Refused, (await app.TryAsync("select * from pg_statistic")).Refusal?.SqlState);
    }

    [Fact]
    public async Task A_tenants_name_and_a_certificate_open_one_row_each_and_only_to_read()
    {
        var before = await data.FingerprintAsync(data.TheirsNo);
        await using (var app = await RawConnection.OpenAsync(data.Store.Database.App, data.MineNo))
        {
            await app.ExecuteAsync("set local iiot.tenant_name = 'theirs'");
            await app.ExecuteAsync($"set local iiot.certificate = '{Convert.ToHexString(TwoTenants.CertificateOf(TwoTenants.Theirs))}'");
            Assert.Equal(2, (await app.TryAsync("select from iiot.tenant")).Rows);
            Assert.Equal(2, (await app.TryAsync("select from iiot.certificate")).Rows);
            Assert.Equal(0, (await app.TryAsync($"select from iiot.device where tenant_no <> {data.MineNo}")).Rows);
            foreach (var change in (string[])["delete from", "update"])
            {
                var set = change == "update" ? $"set device = device" : "";
                Assert.Equal(0, (await app.TryAsync($"{change} iiot.certificate {set} where tenant_no = {data.TheirsNo}")).Rows);
                Assert.Equal(
                    RawConnection.Refused,
                    (await app.TryAsync($"{change} iiot.tenant {set.Replace("device", "name", StringComparison.Ordinal)}"))
                        .Refusal
                        ?.SqlState
                );
            }

            await app.ExecuteAsync("commit");
        }

        Assert.Equal(before, await data.FingerprintAsync(data.TheirsNo));
    }

    [Fact]
    public async Task What_another_tenant_has_does_not_show_in_what_is_refused()
    {
        await using var app = await RawConnection.OpenAsync(data.Store.Database.App, data.MineNo);

        // The other tenant's names are free.
        Assert.Equal(
            1,
            (
                await app.TryAsync(
                    $"insert into iiot.device (tenant_no, name, display_name, created_at) values ({data.MineNo}, 'device-of-theirs', '', now())"
                )
            ).Rows
        );
        await app.ExecuteAsync("rollback");
        await app.ExecuteAsync($"begin; set local iiot.tenant = '{data.MineNo}'");

        // A reference to what the other tenant has fails as one to what nobody has.
        var errors = new List<string>();
        foreach (var device in (string[])["device-of-theirs", "device-of-nobody"])
        {
            var (_, refusal) = await app.TryAsync(
                $"insert into iiot.certificate (tenant_no, sha256, device) values ({data.MineNo}, sha256('{device}'), '{device}')"
            );
            errors.Add($"{refusal!.SqlState} {refusal.MessageText} {refusal.ConstraintName}");
        }

        foreach (var gateway in (string[])["device-of-theirs", "device-of-nobody"])
        {
            var (_, refusal) = await app.TryAsync($"update iiot.device set gateway = '{gateway}' where name = 'device-of-mine'");
            errors.Add($"{refusal!.SqlState} {refusal.MessageText} {refusal.ConstraintName}");
        }

        Assert.All(errors, error => Assert.StartsWith(PostgresErrorCodes.ForeignKeyViolation, error, StringComparison.Ordinal));
        Assert.Equal(errors[0], errors[1]);
        Assert.Equal(errors[2], errors[3]);
    }

    private static void AssertNothing(Relation relation, (int Rows, PostgresException? Refusal) outcome)
    {
        // 55000: a view that takes no writes.
        Assert.True(outcome.Rows <= 0, $"{relation.Name}: {outcome.Rows} rows");
        Assert.True(
            outcome.Refusal is null or { SqlState: RawConnection.Refused or PostgresErrorCodes.ObjectNotInPrerequisiteState },
            $"{relation.Name}: {outcome.Refusal?.MessageText}"
        );
    }
}
