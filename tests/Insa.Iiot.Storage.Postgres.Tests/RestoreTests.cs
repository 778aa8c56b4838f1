using Insa.Iiot.Storage.Postgres.Tests.Isolation;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Tests;

/// <summary>What docs/postgres.md says of backups: a dump of the database, the roles, and the key that is in neither.</summary>
public sealed class RestoreTests(TwoTenants data, PostgresCluster cluster) : IClassFixture<TwoTenants>, IDisposable
{
    private readonly string _dump = Path.GetTempFileName();

    public void Dispose() => File.Delete(_dump);

    [Fact]
    public async Task A_database_that_is_restored_from_its_dump_has_all_rows_and_all_walls()
    {
        await using var store = await PostgresStore.MakeAsync(cluster, await RestoreAsync(), options => options.MigrateOnStart = false);
        await store.Database.ReadyAsync(CancellationToken.None);
        foreach (var relation in data.Relations.Where(relation => relation.Kind is 'r' or 'p'))
        {
            var rows = $"select string_agg(r::text, ';' order by r::text) from {relation.Name} r";
            Assert.Equal(await data.Store.QueryAsync(rows), await store.QueryAsync(rows));
        }

        await using var admin = new NpgsqlConnection(cluster.Server.AdminConnectionString(store.DatabaseName));
        await admin.OpenAsync();
        Assert.Empty(await SchemaCheck.FindViolationsAsync(admin));
    }

    [Fact]
    public async Task Pre_shared_keys_open_with_the_key_that_sealed_them_and_with_no_other()
    {
        var database = await RestoreAsync();
        await using var right = await PostgresStore.MakeAsync(cluster, database, options => options.MigrateOnStart = false);
        Assert.NotNull(await right.Devices.FindPskAsync("device-of-mine@mine"));
        await using var wrong = await PostgresStore.MakeAsync(
            cluster,
            database,
            options =>
            {
                options.MigrateOnStart = false;
                options.CredentialKey = Convert.ToBase64String(new byte[32]);
            }
        );
        var refusal = await Assert.ThrowsAsync<TelemetryStoreException>(async () =>
            await wrong.Devices.FindPskAsync("device-of-mine@mine")
        );
        Assert.Contains("another CredentialKey", refusal.Message, StringComparison.Ordinal);
    }

    private async Task<string> RestoreAsync()
    {
        await cluster.Server.ClientAsync("pg_dump", data.Store.DatabaseName, "--format=custom", $"--file={_dump}");
        var database = await cluster.MakeEmptyDatabaseAsync();
        await cluster.Server.ClientAsync("pg_restore", database, "--exit-on-error", _dump);
        return database;
    }
}
