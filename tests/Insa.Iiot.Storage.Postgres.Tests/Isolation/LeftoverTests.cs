using Insa.Iiot.Conformance;
using Insa.Iiot.Storage.Postgres.Jobs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Tests.Isolation;

/// <summary>Nothing of a tenant stays on a connection that goes back to its pool, which here holds no other.</summary>
public sealed class LeftoverTests(PostgresCluster cluster) : IAsyncLifetime
{
    private static readonly TenantId Plant = TenantId.Parse("plant");
    private static readonly DeviceId Press = DeviceId.Parse("press");
    private static readonly DateTime Noon = new(2026, 5, 1, 12, 0, 0, DateTimeKind.Utc);

    private PostgresStore _store = null!;

    public async ValueTask InitializeAsync() =>
        // The host's own bound counts, whatever the connection string says.
        _store = await PostgresStore.MakeAsync(
            cluster,
            configure: options =>
            {
                options.ConnectionString += ";Maximum Pool Size=7";
                options.MaxConnections = 1;
            }
        );

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public void The_bound_of_the_options_counts_not_that_of_the_connection_string() =>
        Assert.Equal(1, new NpgsqlConnectionStringBuilder(_store.Database.App.ConnectionString).MaxPoolSize);

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

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_read_of_telemetry_leaves_nothing_behind_and_needs_no_second_connection(bool isCold)
    {
        using var writer = new BatchWriter();
        for (var i = 0; i < 300; i++)
            writer.Add(Plant, Press, Noon.AddSeconds(i), frame => frame.AddDouble("n"u8, i));
        await _store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
        if (isCold)
            await _store.Services.GetRequiredService<JobService>().RunOnceAsync(CancellationToken.None);
        var before = await BackendAsync();
        var (all, series) = (new TelemetryQuery { Device = Press }, new TelemetrySeries(Press, "n"));
        var minutes = new TelemetrySeriesQuery
        {
            Series = [series, series],
            From = Noon.AddSeconds(30),
            To = Noon.AddMinutes(9),
            Bucket = TimeSpan.FromMinutes(1),
        };
        Assert.Single(await _store.Reader.ReadLatestAsync(Plant, Press));
        Assert.Equal(300, await _store.Reader.ReadAsync(Plant, all).CountAsync());
        Assert.Equal(10, await _store.SeriesReader.AggregateAsync(Plant, minutes).CountAsync());
        Assert.Equal(1, await _store.SeriesReader.ReadLatestAsync(Plant, [Press, DeviceId.Parse("pump")]).CountAsync());
        await AssertNothingLeftAsync(before);

        // Who stops reading in the middle gives the connection back as well.
        await foreach (var _ in _store.Reader.ReadAsync(Plant, all))
            break;
        await AssertNothingLeftAsync(before);
        await foreach (var _ in _store.SeriesReader.AggregateAsync(Plant, minutes))
            break;
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
            MaxConnections = 1,
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
        Assert.Equal(
            "on on",
            await raw.ScalarAsync("select concat_ws(' ', current_setting('enable_sort'), current_setting('enable_bitmapscan'))")
        );
        foreach (var table in (string[])["tenant", "device", "certificate", "telemetry_stream", "telemetry_frame", "telemetry_chunk"])
            Assert.Equal(0L, await raw.ScalarAsync($"select count(*) from iiot.{table}"));
    }
}
