using Insa.Iiot.Conformance;
using Insa.Iiot.Storage.Postgres.Tests.Isolation;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Tests;

/// <summary>Only what is about the data is for good; all else passes, or waits for the operator.</summary>
public sealed class PostgresErrorsTests(PostgresCluster cluster)
{
    private static readonly TenantId Plant = TenantId.Parse("plant");
    private static readonly DeviceId Press = DeviceId.Parse("press");
    private static readonly DateTime Noon = new(2026, 5, 1, 12, 0, 0, DateTimeKind.Utc);

    [Theory]
    [InlineData(PostgresErrorCodes.ConnectionException)]
    [InlineData(PostgresErrorCodes.ConnectionDoesNotExist)]
    [InlineData(PostgresErrorCodes.ConnectionFailure)]
    [InlineData(PostgresErrorCodes.ReadOnlySqlTransaction)]
    [InlineData(PostgresErrorCodes.SerializationFailure)]
    [InlineData(PostgresErrorCodes.DeadlockDetected)]
    [InlineData(PostgresErrorCodes.InsufficientPrivilege)]
    [InlineData(PostgresErrorCodes.UndefinedTable)]
    [InlineData(PostgresErrorCodes.DiskFull)]
    [InlineData(PostgresErrorCodes.OutOfMemory)]
    [InlineData(PostgresErrorCodes.TooManyConnections)]
    [InlineData(PostgresErrorCodes.LockNotAvailable)]
    [InlineData(PostgresErrorCodes.QueryCanceled)]
    [InlineData(PostgresErrorCodes.AdminShutdown)]
    [InlineData(PostgresErrorCodes.CrashShutdown)]
    [InlineData(PostgresErrorCodes.CannotConnectNow)]
    [InlineData(PostgresErrorCodes.IoError)]
    [InlineData(PostgresErrorCodes.DataCorrupted)]
    [InlineData("2200H")]
    [InlineData(PostgresErrorCodes.ForeignKeyViolation)]
    public void What_is_not_about_the_data_is_transient(string sqlState)
    {
        var error = Error(sqlState);
        Assert.True(PostgresErrors.ToStoreException(error).IsTransient);
        Assert.False(PostgresErrors.IsAboutData(error));
    }

    [Theory]
    [InlineData(PostgresErrorCodes.CharacterNotInRepertoire)]
    [InlineData(PostgresErrorCodes.NumericValueOutOfRange)]
    [InlineData(PostgresErrorCodes.DatetimeFieldOverflow)]
    [InlineData(PostgresErrorCodes.UntranslatableCharacter)]
    [InlineData(PostgresErrorCodes.NotNullViolation)]
    [InlineData(PostgresErrorCodes.UniqueViolation)]
    [InlineData(PostgresErrorCodes.CheckViolation)]
    [InlineData(PostgresErrorCodes.ProgramLimitExceeded)]
    [InlineData(PostgresErrorCodes.RaiseException)]
    public void What_is_about_the_data_is_for_good(string sqlState)
    {
        var error = Error(sqlState);
        Assert.False(PostgresErrors.ToStoreException(error).IsTransient);
        Assert.True(PostgresErrors.IsAboutData(error));
    }

    [Fact]
    public async Task A_write_that_is_chosen_to_end_a_deadlock_is_transient_and_succeeds_again()
    {
        var database = await cluster.MakeDatabaseAsync();
        await cluster.Server.QueryAsync($"alter database {database} set deadlock_timeout = '3s'");
        await using var store = await PostgresStore.MakeAsync(cluster, database);
        using (var first = Frames(Noon.AddDays(-1)))
            await store.Sink.WriteAsync(first.Batch, CancellationToken.None);
        await store.QueryAsync($"select iiot_data.ensure_partition('{Noon:O}')");

        // Whoever has waited for three seconds looks for a deadlock: never the other one.
        await using var other = new NpgsqlConnection(cluster.Server.AdminConnectionString(database));
        await other.OpenAsync();
        await other.ExecuteAsync($"set deadlock_timeout = '1min'; begin; {Insert(1)}");
        using var writer = Frames(Noon);
        var write = store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
        await Blocked.WaitAsync(store, 1);
        var crossing = other.ExecuteAsync(Insert(0));
        var failure = await Assert.ThrowsAsync<TelemetryStoreException>(() => write);
        Assert.Equal(PostgresErrorCodes.DeadlockDetected, Assert.IsType<PostgresException>(failure.InnerException).SqlState);
        Assert.True(failure.IsTransient);
        await crossing;
        await other.ExecuteAsync("rollback");

        await store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
        Assert.False(writer.Batch.Chunks[0].HasRejections);
        Assert.Equal(4L, await store.QueryAsync("select count(*) from iiot_data.telemetry_frame"));

        static string Insert(int second) =>
            $"insert into iiot_data.telemetry_frame select '{Noon.AddSeconds(second):O}', '2000-01-01', tenant_no, stream_no, '' from iiot.telemetry_stream";
    }

    [Fact]
    public async Task A_server_that_takes_no_more_connections_is_transient_and_told_of()
    {
        await cluster.Server.QueryAsync(
            "create role iiot_crowded login noinherit connection limit 0 in role iiot_app, iiot_writer, iiot_jobs"
        );
        await using var store = await PostgresStore.MakeAsync(
            cluster,
            configure: options =>
                options.ConnectionString = options.ConnectionString.Replace(PostgresCluster.Host, "iiot_crowded", StringComparison.Ordinal)
        );
        using var writer = Frames(Noon);
        var failure = await Assert.ThrowsAsync<TelemetryStoreException>(() => store.Sink.WriteAsync(writer.Batch, CancellationToken.None));
        Assert.True(failure.IsTransient);
        Assert.Contains("takes no more connections", failure.Message, StringComparison.Ordinal);
        await cluster.Server.QueryAsync("alter role iiot_crowded connection limit -1");
        await store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
    }

    private static PostgresException Error(string sqlState) => new("message", "ERROR", "ERROR", sqlState);

    private static BatchWriter Frames(DateTime from)
    {
        var writer = new BatchWriter();
        for (var i = 0; i < 2; i++)
            writer.Add(Plant, Press, from.AddSeconds(i), frame => frame.AddDouble("n"u8, i));
        return writer;
    }
}
