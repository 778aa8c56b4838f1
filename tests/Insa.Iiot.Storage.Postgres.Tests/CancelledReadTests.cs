using Insa.Iiot.Conformance;
using Insa.Iiot.Storage.Postgres.Tests.Isolation;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Tests;

/// <summary>Who gives a read up leaves no statement running on the server.</summary>
public sealed class CancelledReadTests(PostgresCluster cluster)
{
    private static readonly TenantId Plant = TenantId.Parse("plant");
    private static readonly DeviceId Press = DeviceId.Parse("press");
    private static readonly DateTime Noon = new(2026, 5, 1, 12, 0, 0, DateTimeKind.Utc);

    private static readonly Dictionary<string, Func<PostgresStore, CancellationToken, IAsyncEnumerable<object>>> Streams = new()
    {
        ["points"] = (store, token) =>
            store
                .Reader.ReadAsync(Plant, new TelemetryQuery { Device = Press, Limit = int.MaxValue }, token)
                .Select(point => (object)point),

        // More than are asked for at once.
        ["latest of devices"] = (store, token) =>
            store
                .SeriesReader.ReadLatestAsync(Plant, [Press, .. Enumerable.Range(0, 1500).Select(i => DeviceId.Parse($"d{i}"))], token)
                .Select(point => (object)point),
        ["buckets of series"] = (store, token) =>
            store
                .SeriesReader.AggregateAsync(
                    Plant,
                    new TelemetrySeriesQuery
                    {
                        Series = [new TelemetrySeries(Press, "n")],
                        From = Noon,
                        To = Noon.AddDays(1),
                        Bucket = TimeSpan.FromSeconds(1),
                    },
                    token
                )
                .Select(bucket => (object)bucket),
    };

    private static readonly Dictionary<string, Func<PostgresStore, CancellationToken, Task>> Reads = new()
    {
        ["points"] = async (store, token) =>
        {
            await foreach (var _ in store.Reader.ReadAsync(Plant, new TelemetryQuery { Device = Press }, token))
                Assert.Fail("The table is locked.");
        },
        ["latest"] = async (store, token) => await store.Reader.ReadLatestAsync(Plant, Press, token),
        ["buckets"] = async (store, token) =>
            await store.Reader.AggregateAsync(
                Plant,
                new TelemetryAggregateQuery
                {
                    Device = Press,
                    Metric = "n",
                    From = Noon,
                    To = Noon.AddHours(1),
                    Bucket = TimeSpan.FromMinutes(1),
                },
                token
            ),
        ["latest of devices"] = async (store, token) => await Streams["latest of devices"](store, token).CountAsync(token),
        ["buckets of series"] = async (store, token) => await Streams["buckets of series"](store, token).CountAsync(token),
    };

    [Theory]
    [InlineData("points", "iiot.telemetry_stream")]
    [InlineData("points", "iiot_data.telemetry_frame")]
    [InlineData("latest", "iiot.telemetry_stream")]
    [InlineData("latest", "iiot_data.telemetry_frame")]
    [InlineData("buckets", "iiot.telemetry_stream")]
    [InlineData("buckets", "iiot_data.telemetry_frame")]
    [InlineData("latest of devices", "iiot.telemetry_stream")]
    [InlineData("latest of devices", "iiot_data.telemetry_frame")]
    [InlineData("buckets of series", "iiot.telemetry_stream")]
    [InlineData("buckets of series", "iiot_data.telemetry_frame")]
    public async Task Nothing_is_left_running(string read, string table)
    {
        await using var store = await PostgresStore.MakeAsync(cluster);
        using var writer = new BatchWriter();
        writer.Add(Plant, Press, Noon, frame => frame.AddDouble("n"u8, 1));
        await store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
        await using var holder = new NpgsqlConnection(cluster.Server.AdminConnectionString(store.DatabaseName));
        await holder.OpenAsync();
        await holder.ExecuteAsync($"begin; lock table {table} in access exclusive mode");

        using var cancel = new CancellationTokenSource();
        var reading = Reads[read](store, cancel.Token);
        await Blocked.WaitAsync(store, 1);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        await NothingRunsAsync(store);
        await holder.ExecuteAsync("rollback");
        await Reads["latest"](store, CancellationToken.None);
    }

    [Theory]
    [InlineData("points")]
    [InlineData("latest of devices")]
    [InlineData("buckets of series")]
    public async Task Nothing_is_left_running_of_what_was_given_up_in_the_middle(string read)
    {
        await using var store = await PostgresStore.MakeAsync(cluster);
        using var writer = new BatchWriter(framesPerTenant: 20_000);
        for (var i = 0; i < 20_000; i++)
            writer.Add(
                Plant,
                Press,
                Noon.AddSeconds(i),
                frame =>
                {
                    frame.AddDouble("n"u8, i);
                    frame.AddDouble("m"u8, i);
                }
            );
        await store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
        await using var holder = new NpgsqlConnection(cluster.Server.AdminConnectionString(store.DatabaseName));
        await holder.OpenAsync();

        using var cancel = new CancellationTokenSource();
        await using (var stream = Streams[read](store, cancel.Token).GetAsyncEnumerator())
        {
            Assert.True(await stream.MoveNextAsync());
            await holder.ExecuteAsync("begin; lock table iiot.telemetry_stream, iiot_data.telemetry_frame in access exclusive mode");
            var reading = Task.Run(async () =>
            {
                while (await stream.MoveNextAsync())
                    continue;
            });
            await Blocked.WaitAsync(store, 1);
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        }

        await NothingRunsAsync(store);
        await holder.ExecuteAsync("rollback");
        await Reads["latest"](store, CancellationToken.None);
    }

    private static async Task NothingRunsAsync(PostgresStore store)
    {
        // The lock still stands: what runs would still wait.
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (
            !Equals(
                0L,
                await store.QueryAsync(
                    $"select count(*) from pg_stat_activity where datname = current_database() and usename = '{PostgresCluster.Host}' and state = 'active'"
                )
            )
        )
            limit.Token.ThrowIfCancellationRequested();
    }
}
