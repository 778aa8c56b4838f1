using System.Text.Json;
using Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace;
using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.Protocols.OpcUa.Tests;

/// <summary>The client of node-opcua, and a host with the ingestion pipeline over a SQLite file and two tenants whose devices have the same names.</summary>
internal sealed class InteropWorld : IAsyncDisposable
{
    public const string Level = "ns=3;s=press-1/level";
    public const string Temperature = "ns=3;s=press-1/temp";

    /// <summary>What ends a series of values: further away than any deadband.</summary>
    public const double Last = 1_000_000;

    private readonly DirectoryInfo _folder;
    private readonly PeerWorld _peer;
    private DateTime _said = TimeProvider.System.GetUtcNow().UtcDateTime.AddHours(-1);

    private InteropWorld(DirectoryInfo folder, PeerWorld peer) => (_folder, _peer) = (folder, peer);

    public OpcUaHost Host => _peer.Host;

    public ListedCommands Commands => (ListedCommands)Host.Services.GetRequiredService<IDeviceCommands>();

    public static async Task<InteropWorld> StartAsync()
    {
        var folder = Directory.CreateTempSubdirectory("opcua-interop");
        var peer = await PeerWorld.StartAsync(
            options =>
                options.Metrics.Add(
                    new OpcUaMetric
                    {
                        Name = "level",
                        Low = 0,
                        High = 50,
                    }
                ),
            add: iiot =>
            {
                iiot.Services.AddSingleton<IDeviceCommands, ListedCommands>();
                iiot.AddSqliteStorage(sqlite => sqlite.Path = Path.Combine(folder.FullName, "iiot.db")).AddIngestion();
            }
        );
        var world = new InteropWorld(folder, peer);
        peer.Host.UserPermissions = [.. SpaceWorld.AllPermissions];
        var registry = peer.Host.Services.GetRequiredService<IDeviceRegistry>();
        foreach (var (tenant, device) in ((string, string)[])[("acme", "press-1"), ("acme", "only-acme"), ("globex", "press-1")])
        {
            await registry.AddAsync(TenantId.Parse(tenant), new Device { Id = DeviceId.Parse(device) });
            var value = tenant == "acme" ? 0 : 77;
            await world.SayAsync(Json(("level", value), ("temp", value)), world.Next(), tenant, device);
        }

        return world;
    }

    public Task<JsonElement> RunAsync(string action, object more, Func<string, Task>? does = null, bool waits = false) =>
        _peer.RunAsync(action, "Basic256Sha256", "SignAndEncrypt", "password", user: OpcUaHost.User, more: more, does: does, waits: waits);

    /// <summary>Has the device say values of a metric one after the other.</summary>
    public async Task SayAllAsync(string metric, IEnumerable<double> values)
    {
        foreach (var value in values)
            await SayAsync(Json((metric, value)), Next());
    }

    /// <summary>Has a device say values as of a time, and waits until they are stored.</summary>
    public async Task SayAsync(string data, DateTime time, string tenant = "acme", string device = "press-1")
    {
        var text = $$"""{"data":{{data}},"timestamp":"{{time:O}}"}""";
        var receipt = Host
            .Services.GetRequiredService<ITelemetryIngress>()
            .Submit(
                new DeviceSession(TenantId.Parse(tenant), DeviceId.Parse(device)),
                new TelemetryMessage(PayloadFormat.Json, System.Text.Encoding.UTF8.GetBytes(text))
            );
        Assert.Equal(IngestReason.None, receipt.Settle(await receipt.Commit!));
    }

    public static string Json(params (string Metric, double Value)[] values) =>
        JsonSerializer.Serialize(values.ToDictionary(value => value.Metric, value => value.Value));

    public async ValueTask DisposeAsync()
    {
        await _peer.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    // Each value is newer than the one before, whatever the clock does.
    private DateTime Next() => _said = _said.AddMilliseconds(1);
}
