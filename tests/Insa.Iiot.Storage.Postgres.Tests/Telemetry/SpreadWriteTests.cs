using Insa.Iiot.Conformance;
using Insa.Iiot.Peers;

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
        using var writer = new BatchWriter(Days);
        for (var i = 0; i < Days; i++)
            writer.Add(Plant, DeviceId.Parse("press"), Noon.AddDays(i), frame => frame.AddDouble("n"u8, i));
        await store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
        await LookAsync(store);
        Assert.Equal(Days - 1L, await store.QueryAsync("select count(*) from public.seen"));
        Assert.Equal([17], Enumerable.Range(0, Days).Where(i => writer.Batch.Chunks[0].RejectionOf(i) == IngestReason.Unstorable));
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
