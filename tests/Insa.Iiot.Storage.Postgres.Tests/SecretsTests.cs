using Insa.Iiot.Conformance;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Tests;

/// <summary>No password and no device's secret gets into a log or an exception, however much an operator asks to be told.</summary>
public sealed class SecretsTests(PostgresCluster cluster) : IDisposable
{
    private static readonly TenantId Plant = TenantId.Parse("plant");
    private static readonly DeviceId Press = DeviceId.Parse("press");
    private readonly FakeLoggerProvider _log = new();
    private readonly List<string> _exceptions = [];

    [Theory]
    [InlineData("")]
    [InlineData("Persist Security Info=true;Include Error Detail=true;Log Parameters=true")]
    public async Task The_password_never_shows(string more)
    {
        await using (var store = await StoreAsync(await cluster.MakeDatabaseAsync(), PostgresCluster.Password, more))
        {
            await UseAsync(store);
            await store.QueryAsync(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
            );
            await FailAsync(() => store.Devices.FindAsync(Plant, Press).AsTask());
            await store.QueryAsync("revoke usage on schema iiot from iiot_app");
            await FailAsync(() => store.Devices.FindAsync(Plant, Press).AsTask());
        }

        foreach (
            var (database, password) in ((string, string)[])
                [("postgres", PostgresCluster.Password + "x"), ("nowhere", PostgresCluster.Password)]
        )
        {
            await using var store = await StoreAsync(database, password, more);
            await FailAsync(() => UseAsync(store));
        }

        Assert.Equal(4, _exceptions.Count);
        AssertNowhere(PostgresCluster.Password);
    }

    [Fact]
    public async Task A_devices_secret_never_shows()
    {
        await using var store = await StoreAsync(await cluster.MakeDatabaseAsync(), PostgresCluster.Password, "Include Error Detail=true");
        await store.Devices.AddAsync(Plant, new Device { Id = Press });
        var secret = (await store.Devices.RotateSecretAsync(Plant, Press))!;
        Assert.NotNull(
            await store.Devices.AuthenticateAsync(DeviceCredential.FromPassword("press@plant", System.Text.Encoding.ASCII.GetBytes(secret)))
        );
        await store.QueryAsync("revoke all on iiot.device from iiot_app");
        await FailAsync(() => store.Devices.RotateSecretAsync(Plant, Press).AsTask());
        AssertNowhere(secret);
    }

    [Fact]
    public async Task A_pre_shared_key_is_stored_sealed_and_never_shows()
    {
        await using var store = await StoreAsync(await cluster.MakeDatabaseAsync(), PostgresCluster.Password, "Include Error Detail=true");
        foreach (var device in (DeviceId[])[Press, DeviceId.Parse("pump")])
            await store.Devices.AddAsync(Plant, new Device { Id = device });
        var key = Convert.ToHexStringLower((await store.Devices.SetPskAsync(Plant, Press))!.Key.Span);
        var row = (string)(await store.QueryAsync("select string_agg(d::text, '') from iiot.device d"))!;
        Assert.DoesNotContain(key, row, StringComparison.Ordinal);

        await store.QueryAsync("update iiot.device set psk = (select psk from iiot.device where name = 'press') where name = 'pump'");
        await FailAsync(() => store.Devices.FindPskAsync("pump@plant").AsTask());
        await using (
            var keyless = await PostgresStore.MakeAsync(cluster, store.DatabaseName, configure: options => options.CredentialKey = null)
        )
        {
            foreach (
                var call in (Func<Task>[])
                    [() => keyless.Devices.SetPskAsync(Plant, Press).AsTask(), () => keyless.Devices.FindPskAsync("press@plant").AsTask()]
            )
                Assert.Contains(
                    "CredentialKey",
                    (await Assert.ThrowsAsync<InvalidOperationException>(call)).Message,
                    StringComparison.Ordinal
                );
        }

        await store.QueryAsync("revoke all on iiot.device from iiot_app");
        await FailAsync(() => store.Devices.SetPskAsync(Plant, Press).AsTask());
        AssertNowhere(key);
        AssertNowhere(PostgresStore.CredentialKey);
    }

    public void Dispose() => _log.Dispose();

    private static async Task UseAsync(PostgresStore store)
    {
        await store.Devices.AddAsync(Plant, new Device { Id = Press });
        using var writer = new BatchWriter();
        writer.Add(Plant, Press, new DateTime(2026, 5, 1, 0, 0, 0, DateTimeKind.Utc), frame => frame.AddDouble("n"u8, 1));
        await store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
        Assert.Single(await store.Reader.ReadLatestAsync(Plant, Press));
    }

    private Task<PostgresStore> StoreAsync(string database, string password, string more)
    {
        var text = cluster.Server.ConnectionString(database, PostgresCluster.Asked) + ";" + more;
        return PostgresStore.MakeAsync(
            cluster,
            database,
            options =>
            {
                options.ConnectionString = new NpgsqlConnectionStringBuilder(text) { Password = password }.ConnectionString;
                options.MigrateOnStart = false;
            },
            logging => logging.SetMinimumLevel(LogLevel.Trace).AddProvider(_log)
        );
    }

    private async Task FailAsync(Func<Task> call) => _exceptions.Add((await Assert.ThrowsAsync<TelemetryStoreException>(call)).ToString());

    private void AssertNowhere(string secret)
    {
        var lines = _log
            .Collector.GetSnapshot()
            .Select(record =>
                $"{record.Message} {record.Exception} {string.Join(' ', record.StructuredState ?? [])} {string.Join(' ', record.Scopes)}"
            )
            .ToList();
        Assert.Contains(lines, line => line.Contains("schema version", StringComparison.Ordinal));
        Assert.DoesNotContain(lines.Concat(_exceptions), line => line.Contains(secret, StringComparison.Ordinal));

        // Also not as a connection string would quote it.
        var quoted = new NpgsqlConnectionStringBuilder { Password = secret }.ConnectionString["Password=".Length..];
        Assert.DoesNotContain(lines.Concat(_exceptions), line => line.Contains(quoted, StringComparison.Ordinal));
    }
}
