using Insa.Iiot.Conformance;
using Insa.Iiot.Storage.Postgres.Jobs;
using Insa.Iiot.Storage.Postgres.Tests.Isolation;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Tests;

/// <summary>The scripts for extensions that are not here: their guards, and behind them with stand-ins for the extensions' functions.</summary>
public sealed class OptInTests(PostgresCluster cluster)
{
    private static readonly TenantId Plant = TenantId.Parse("plant");
    private static readonly DeviceId Press = DeviceId.Parse("press");
    private static readonly DateTime Noon = new(2026, 5, 1, 12, 0, 0, DateTimeKind.Utc);

    // A hypertable is what others inherit from: here one chunk, of one day, to which a trigger takes the rows.
    private const string Timescale = """
        insert into pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
          values (1, 'timescaledb', 10, 'public'::regnamespace, false, '0');
        create schema _timescaledb_internal;
        create schema timescaledb_information;
        grant all on schema _timescaledb_internal, timescaledb_information to public;
        create function public.create_hypertable(
          relation regclass, time_column_name name, partitioning_column name default null, number_partitions int default null,
          chunk_time_interval anyelement default null::bigint, create_default_indexes boolean default true) returns void
        language plpgsql as $$
        begin
          if exists (select from pg_index i where i.indrelid = relation and i.indisunique and not exists (
            select from pg_attribute a where a.attrelid = relation and a.attname = time_column_name and a.attnum = any (i.indkey))) then
            raise exception 'cannot create a unique index without the column "%"', time_column_name;
          end if;
          create table _timescaledb_internal.chunk (like iiot_data.telemetry_frame including all) inherits (iiot_data.telemetry_frame);
          create function _timescaledb_internal.to_chunk() returns trigger language plpgsql security definer as $t$
          begin
            insert into _timescaledb_internal.chunk values (new.*);
            return null;
          end $t$;
          create trigger to_chunk before insert on iiot_data.telemetry_frame for each row execute function _timescaledb_internal.to_chunk();
        end
        $$;
        create view timescaledb_information.chunks as
          select name 'iiot_data' as hypertable_schema, name 'telemetry_frame' as hypertable_name,
            name '_timescaledb_internal' as chunk_schema, name 'chunk' as chunk_name,
            timestamptz '2026-05-01 00:00:00+00' as range_start, timestamptz '2026-05-02 00:00:00+00' as range_end
          from pg_class where oid = to_regclass('_timescaledb_internal.chunk');
        grant select on timescaledb_information.chunks to public
        """;

    private const string Citus = """
        insert into pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
          values (1, 'citus', 10, 'public'::regnamespace, false, '0');
        create function public.create_distributed_table(
          table_name regclass, distribution_column text, distribution_type text default 'hash', colocate_with text default 'default') returns void
        language plpgsql as $$
        begin
          if exists (select from pg_index i where i.indrelid = table_name and i.indisunique and not exists (
            select from pg_attribute a where a.attrelid = table_name and a.attname = distribution_column and a.attnum = any (i.indkey))) then
            raise exception 'cannot create constraint on "%"', table_name;
          end if;
        end
        $$
        """;

    [Theory]
    [InlineData("TimescaleDB")]
    [InlineData("Citus")]
    public async Task Where_the_extension_is_not_the_script_refuses_and_changes_nothing(string extension)
    {
        var database = await cluster.MakeDatabaseAsync();
        var before = await ShapeAsync(database);
        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => RunAsync(database, extension));
        Assert.Contains($"{extension} is not in this database", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(before, await ShapeAsync(database));
    }

    [Theory]
    [InlineData("TimescaleDB", Timescale)]
    [InlineData("Citus", Citus)]
    public async Task Where_the_extension_is_the_script_leaves_rights_and_views_as_they_were_and_the_store_works(
        string extension,
        string stub
    )
    {
        var database = await cluster.MakeDatabaseAsync();
        await cluster.Server.QueryAsync(stub, database);
        var before = await WallsAsync(database);
        await RunAsync(database, extension);
        Assert.Equal(before, await WallsAsync(database));
        await using (var admin = new NpgsqlConnection(cluster.Server.AdminConnectionString(database)))
        {
            await admin.OpenAsync();
            Assert.Empty(await SchemaCheck.FindViolationsAsync(admin));
        }

        await using var store = await PostgresStore.MakeAsync(cluster, database, options => options.MigrateOnStart = false);
        using var writer = new BatchWriter();
        for (var i = 0; i < 300; i++)
            writer.Add(Plant, Press, Noon.AddSeconds(i), frame => frame.AddDouble("n"u8, i));
        await store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
        Assert.Equal(300L, await store.QueryAsync("select count(*) from iiot_data.telemetry_frame"));
        var hot = await ReadAsync(store);
        await store.Services.GetRequiredService<JobService>().RunOnceAsync(CancellationToken.None);
        Assert.Equal(0L, await store.QueryAsync("select count(*) from iiot_data.telemetry_frame"));
        Assert.Equal(hot, await ReadAsync(store));
    }

    [Fact]
    public async Task A_store_with_frames_is_not_made_a_hypertable()
    {
        var database = await cluster.MakeDatabaseAsync();
        await cluster.Server.QueryAsync(Timescale, database);
        await cluster.Server.QueryAsync(
            $"select iiot_data.ensure_partition('{Noon:O}'); insert into iiot_data.telemetry_frame values ('{Noon:O}', '{Noon:O}', 1, 1, '')",
            database
        );
        var before = await ShapeAsync(database);
        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => RunAsync(database, "TimescaleDB"));
        Assert.Contains("There are frames already", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(before, await ShapeAsync(database));
    }

    // As an administrator: what it makes must be the owner's nevertheless.
    private async Task RunAsync(string database, string extension)
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, extension == "Citus" ? PostgresMigrations.CitusScript : PostgresMigrations.TimescaleScript);
            await cluster.Server.PsqlAsync(database, "-v", "ON_ERROR_STOP=1", "-f", file);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private Task<object?> ShapeAsync(string database) =>
        cluster.Server.QueryAsync(
            "select string_agg(c.oid || c.relname || coalesce(c.relacl::text, ''), ',' order by c.oid) from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname like 'iiot%'",
            database
        );

    // What is seen of tables, columns and views, and by whom; not which of them are partitioned.
    private Task<object?> WallsAsync(string database) =>
        cluster.Server.QueryAsync(
            """
            select string_agg(concat_ws(' ', c.oid::regclass, c.relowner::regrole, c.relacl, c.reloptions,
              case when c.relkind = 'v' then pg_get_viewdef(c.oid) end,
              (select string_agg(concat_ws(' ', attname, atttypid::regtype, attnotnull, attstorage), ', ' order by attnum)
              from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped)), E'\n' order by c.oid::regclass::text)
            from pg_class c
            where c.relnamespace in ('iiot'::regnamespace, 'iiot_data'::regnamespace) and c.relkind in ('r', 'p', 'v') and not c.relispartition
            """,
            database
        );

    private static async Task<List<string>> ReadAsync(PostgresStore store)
    {
        List<string> all = [.. (await store.Reader.ReadLatestAsync(Plant, Press)).Select(point => $"{point}")];
        await foreach (var point in store.Reader.ReadAsync(Plant, new TelemetryQuery { Device = Press }))
            all.Add($"{point}");
        await foreach (var point in store.SeriesReader.ReadLatestAsync(Plant, [Press]))
            all.Add($"{point}");
        var query = new TelemetryAggregateQuery
        {
            Device = Press,
            Metric = "n",
            From = Noon,
            To = Noon.AddMinutes(10),
            Bucket = TimeSpan.FromSeconds(30),
        };
        all.AddRange((await store.Reader.AggregateAsync(Plant, query)).Select(bucket => $"{bucket}"));
        Assert.Equal(1 + 300 + 1 + 10, all.Count);
        return all;
    }
}
