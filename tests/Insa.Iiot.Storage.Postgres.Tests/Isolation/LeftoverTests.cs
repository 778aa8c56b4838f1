using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Tests.Isolation;

/// <summary>Nothing of a tenant stays on a connection that goes back to its pool.</summary>
public sealed class LeftoverTests(PostgresCluster cluster) : IAsyncLifetime
{
    private static readonly TenantId Plant = TenantId.Parse("plant");
    private static readonly DeviceId Press = DeviceId.Parse("press");

    private PostgresStore _store = null!;

    public async ValueTask InitializeAsync() =>
        // The host's own bound counts, whatever the connection string says.
        _store = await PostgresStore.MakeAsync(
            cluster,
            configure: options =>
            {
                options.ConnectionString += ";Maximum Pool Size=1";
                options.MaxConnections = 2;
            }
        );

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task The_bound_of_the_options_counts_not_that_of_the_connection_string()
    {
        await using var first = await _store.Database.App.OpenConnectionAsync();
        await using var second = await _store.Database.App.OpenConnectionAsync();
        Assert.NotEqual(first.ProcessID, second.ProcessID);
    }

    [Fact]
    public async Task A_call_leaves_nothing_behind()
    {
        await _store.Devices.AddAsync(Plant, new Device { Id = Press });
        var before = await BackendAsync();
        Assert.NotNull(await _store.Devices.FindAsync(Plant, Press));
        await _store.Devices.AddCertificateAsync(Plant, Press, new byte[32]);
        Assert.NotNull(await _store.Devices.AuthenticateAsync(DeviceCredential.FromCertificate(new byte[32])));
        await _store.Devices.SetPskAsync(Plant, Press);
        Assert.NotNull(await _store.Devices.FindPskAsync("press@plant"));
        Assert.Equal(
            [DeviceAddResult.Exists, DeviceAddResult.Added],
            await _store.Devices.AddManyAsync(Plant, [new Device { Id = Press }, new Device { Id = DeviceId.Parse("pump") }])
        );
        Assert.Equal(DeviceUpdateResult.Done, await _store.Devices.UpdateAsync(Plant, new Device { Id = Press }, 1));
        Assert.Equal(2, (await _store.Statistics.CountDevicesAsync(Plant, default)).Enabled);
        Assert.Empty(await _store.Statistics.CountPointsAsync(Plant, default, 1));
        await AssertNothingLeftAsync(before);
    }

    [Fact]
    public async Task A_call_that_fails_midway_leaves_nothing_behind()
    {
        await _store.Devices.AddAsync(Plant, new Device { Id = Press });
        var before = await BackendAsync();

        // PostgreSQL's text cannot hold the character; the tenant has been named by then.
        await Assert.ThrowsAsync<TelemetryStoreException>(async () =>
            await _store.Devices.AddAsync(Plant, new Device { Id = DeviceId.Parse("x"), DisplayName = "a\0b" })
        );
        await AssertNothingLeftAsync(before);
    }

    [Fact]
    public async Task A_call_that_is_cancelled_midway_leaves_nothing_behind()
    {
        await _store.Devices.AddAsync(Plant, new Device { Id = Press });
        var before = await BackendAsync();
        await using var admin = new NpgsqlConnection(cluster.Server.AdminConnectionString(_store.DatabaseName));
        await admin.OpenAsync();
        await admin.ExecuteAsync("begin; lock table iiot.device in access exclusive mode");
        using var cancel = new CancellationTokenSource();
        var call = _store.Devices.ListAsync(Plant, null, 10, cancel.Token).AsTask();
        await Blocked.WaitAsync(_store, 1);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await admin.ExecuteAsync("rollback");
        await AssertNothingLeftAsync(before);
    }

    [Fact]
    public async Task Nothing_is_left_even_where_the_pool_resets_nothing()
    {
        // What the validator refuses, to see that the walls do not hang on the pool alone.
        await _store.Database.ReadyAsync(CancellationToken.None);
        var options = new PostgresStorageOptions
        {
            ConnectionString = cluster.Server.ConnectionString(_store.DatabaseName, PostgresCluster.Host) + ";No Reset On Close=true",
            MigrateOnStart = false,
        };
        await using var database = new PostgresDatabase(Options.Create(options), NullLogger<PostgresDatabase>.Instance);
        var devices = new Storage.Postgres.Devices.PostgresDeviceStore(database, Options.Create(options), TimeProvider.System);
        await devices.AddAsync(Plant, new Device { Id = Press });
        await devices.AddCertificateAsync(Plant, Press, new byte[32]);
        Assert.NotNull(await devices.AuthenticateAsync(DeviceCredential.FromCertificate(new byte[32])));
        await using var raw = await database.App.OpenConnectionAsync();
        await AssertNothingLeftAsync(raw);
    }

    private async Task<int> BackendAsync()
    {
        await using var raw = await _store.Database.App.OpenConnectionAsync();
        return raw.ProcessID;
    }

    private async Task AssertNothingLeftAsync(int expectedBackend)
    {
        await using var raw = await _store.Database.App.OpenConnectionAsync();
        Assert.Equal(expectedBackend, raw.ProcessID);
        await AssertNothingLeftAsync(raw);
    }

    private static async Task AssertNothingLeftAsync(NpgsqlConnection raw)
    {
        Assert.Equal(
            "",
            await raw.ScalarAsync(
                "select concat(current_setting('iiot.tenant', true), current_setting('iiot.tenant_name', true), current_setting('iiot.certificate', true))"
            )
        );
        foreach (var table in (string[])["tenant", "device", "certificate"])
            Assert.Equal(0L, await raw.ScalarAsync($"select count(*) from iiot.{table}"));
    }
}
