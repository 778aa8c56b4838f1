using Insa.Iiot.Conformance;
using Insa.Iiot.Storage.Postgres.Tests.Isolation;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Tests.Telemetry;

/// <summary>A batch whose frames are of more partitions than the server has locks for is written all the same, in several transactions.</summary>
public sealed class SpreadWriteTests(SpreadWriteTests.NarrowServer cluster) : IClassFixture<SpreadWriteTests.NarrowServer>
{
    private const string Frames = "iiot_data.telemetry_frame";
    private static readonly TenantId Plant = TenantId.Parse("plant");
    private static readonly DateTime Noon = new(2020, 5, 1, 12, 0, 0, DateTimeKind.Utc);

    [Fact]
    public async Task Frames_of_hundreds_of_partitions_are_stored_once_however_often_they_are_written()
    {
        const int Days = 600;
        await using var store = await PostgresStore.MakeAsync(cluster.Cluster);
        using var writer = new BatchWriter(2 * Days);
        for (var i = 0; i < 2 * Days; i++)
            writer.Add(Plant, DeviceId.Parse(i < Days ? "press" : "pump"), Noon.AddDays(i % Days), frame => frame.AddDouble("n"u8, i));
        for (var round = 0; round < 2; round++)
        {
            await store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
            await LookAsync(store);
            Assert.Equal(
                $"{2 * Days} {Days}",
                await store.QueryAsync("select concat_ws(' ', count(*), count(distinct partition)) from public.seen")
            );
            Assert.InRange(
                (long)
                    (
                        await store.QueryAsync(
                            "select max(n) from (select count(distinct partition) as n from public.seen group by by_xact) t"
                        )
                    )!,
                1,
                256
            );
        }

        Assert.False(writer.Batch.Chunks[0].HasRejections);
    }

    [Fact]
    public async Task A_refused_frame_among_hundreds_of_partitions_is_rejected_alone()
    {
        const int Days = 300;
        await using var store = await PostgresStore.MakeAsync(cluster.Cluster);
        await store.QueryAsync($"alter table {Frames} add constraint refused check (vals <> float8send(17))");
        using var writer = Daily(Days, Noon);
        await store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
        await LookAsync(store);
        Assert.Equal(Days - 1L, await store.QueryAsync("select count(*) from public.seen"));
        Assert.Equal([17], Enumerable.Range(0, Days).Where(i => writer.Batch.Chunks[0].RejectionOf(i) == IngestReason.Unstorable));
    }

    [Fact]
    public async Task A_write_that_the_server_has_no_locks_left_for_is_halved_until_it_has()
    {
        const int Days = 200;
        using var log = new FakeLoggerProvider();
        await using var store = await PostgresStore.MakeAsync(cluster.Cluster, logging: logging => logging.AddProvider(log));
        using var first = Daily(Days, Noon);
        await store.Sink.WriteAsync(first.Batch, CancellationToken.None);

        await using var greedy = new NpgsqlConnection(cluster.Cluster.Server.AdminConnectionString(store.DatabaseName));
        await greedy.OpenAsync();
        await greedy.ExecuteAsync(
            """
            do $$
            declare
              n int := 0;
            begin
              loop
                n := n + 1;
                perform pg_advisory_lock(n);
              end loop;
            exception when out_of_memory then
              perform pg_advisory_unlock(i) from generate_series(n - 100, n - 1) i;
            end
            $$
            """
        );
        using var second = Daily(Days, Noon.AddHours(1));
        await store.Sink.WriteAsync(second.Batch, CancellationToken.None);
        Assert.Contains(log.Collector.GetSnapshot(), record => record.Id.Id == 5010);
        Assert.False(second.Batch.Chunks[0].HasRejections);

        await greedy.CloseAsync();
        await LookAsync(store);
        Assert.Equal(2L * Days, await store.QueryAsync("select count(*) from public.seen"));
    }

    private static BatchWriter Daily(int days, DateTime from)
    {
        var writer = new BatchWriter(days);
        for (var i = 0; i < days; i++)
            writer.Add(Plant, DeviceId.Parse("press"), from.AddDays(i), frame => frame.AddDouble("n"u8, i));
        return writer;
    }

    // One partition after the other: a reader of all at once would need as many locks.
    private static Task<object?> LookAsync(PostgresStore store) =>
        store.QueryAsync(
            $"""
            do $$
            declare
              leaf regclass;
            begin
              drop table if exists public.seen;
              create table public.seen (partition oid, by_xact text);
              for leaf in select inhrelid from pg_inherits where inhparent = '{Frames}'::regclass loop
                execute format('insert into public.seen select tableoid, xmin::text from %s', leaf);
                commit;
              end loop;
            end
            $$
            """
        );

    /// <summary>A server with as few locks as it can be told to have.</summary>
    public sealed class NarrowServer : IAsyncLifetime
    {
        internal PostgresCluster Cluster { get; } = new("max_locks_per_transaction = 10", "max_connections = 20");

        public ValueTask InitializeAsync() => Cluster.InitializeAsync();

        public ValueTask DisposeAsync() => Cluster.DisposeAsync();
    }
}
