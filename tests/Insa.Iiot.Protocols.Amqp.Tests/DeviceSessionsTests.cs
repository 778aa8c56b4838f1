using Insa.Iiot.Protocols.Amqp.Telemetry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Insa.Iiot.Protocols.Amqp.Tests;

public sealed class DeviceSessionsTests : IAsyncLifetime
{
    private static readonly TenantId Plant = TenantId.Parse("plant");

    private readonly string _folder = Directory.CreateTempSubdirectory("iiot-amqp-").FullName;
    private readonly FakeTimeProvider _time = new();
    private ServiceProvider _services = null!;

    private IDeviceRegistry Registry => _services.GetRequiredService<IDeviceRegistry>();

    public async ValueTask InitializeAsync()
    {
        var services = new ServiceCollection();
        services.AddLogging().AddIiot().AddSqliteStorage(sqlite => sqlite.Path = Path.Combine(_folder, "iiot.db"));
        _services = services.BuildServiceProvider();
        await Registry.AddAsync(Plant, new Device { Id = DeviceId.Parse("press") });
    }

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Invented_names_push_no_device_out()
    {
        var sessions = new DeviceSessions(Plant, Registry, _time);
        Assert.NotNull(await sessions.ReadAsync("press", default));
        for (var i = 0; i < 12_000; i++)
            Assert.Null(await sessions.ReadAsync($"invented/{i}", default));
        Assert.True(sessions.TryFind("press", out var session));
        Assert.NotNull(session);
    }

    [Fact]
    public async Task A_device_that_is_registered_after_its_first_message_is_soon_known()
    {
        var sessions = new DeviceSessions(Plant, Registry, _time);
        Assert.Null(await sessions.ReadAsync("pump", default));
        await Registry.AddAsync(Plant, new Device { Id = DeviceId.Parse("pump") });
        Assert.True(sessions.TryFind("pump", out var session));
        Assert.Null(session);
        _time.Advance(TimeSpan.FromSeconds(6));
        Assert.False(sessions.TryFind("pump", out _));
        Assert.NotNull(await sessions.ReadAsync("pump", default));
        Assert.True(sessions.TryFind("pump", out session));
        Assert.NotNull(session);
    }

    [Fact]
    public async Task A_device_that_is_gone_is_not_known_for_long()
    {
        var sessions = new DeviceSessions(Plant, Registry, _time);
        Assert.NotNull(await sessions.ReadAsync("press", default));
        await Registry.RemoveAsync(Plant, DeviceId.Parse("press"));
        _time.Advance(TimeSpan.FromMinutes(3));
        Assert.False(sessions.TryFind("press", out _));
        Assert.Null(await sessions.ReadAsync("press", default));
    }

    [Fact]
    public void What_is_asked_for_outlives_what_is_not()
    {
        var cache = new DeviceCache(2);
        var known = new KnownDevice(null, 0);
        cache.Set("often", known);
        for (var i = 0; i < 10; i++)
        {
            cache.Set($"once {i}", known);
            Assert.True(cache.TryFind("often", out _));
        }

        Assert.False(cache.TryFind("once 0", out _));
    }
}
