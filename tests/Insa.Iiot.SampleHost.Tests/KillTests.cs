using System.Globalization;
using System.Net;

namespace Insa.Iiot.SampleHost.Tests;

/// <summary>The host dies under load again and again, and keeps what it acknowledged. docs/durability.md tells how to run it for longer.</summary>
public sealed class KillTests(PostgresCluster cluster, ITestOutputHelper output) : IDisposable
{
    private const int MostAcknowledgementsPerCycle = 5000;
    private static readonly TimeSpan CyclePatience = TimeSpan.FromSeconds(60);

    private readonly TestFolder _folder = new();
    private readonly DateTimeOffset _start = DateTimeOffset
        .FromUnixTimeSeconds(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds())
        .AddDays(-1);

    internal static int Cycles =>
        Environment.GetEnvironmentVariable("IIOT_KILL_CYCLES") is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : 10;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public Task What_a_killed_host_acknowledged_is_stored_and_nothing_is_stored_twice() => KillAgainAndAgainAsync(ByMqtt);

    [Fact]
    public async Task The_same_holds_on_PostgreSQL() =>
        await KillAgainAndAgainAsync(ByMqtt, PostgresCluster.Arguments(cluster.Server, await cluster.MakeDatabaseAsync()));

    [Fact]
    public Task The_same_holds_by_CoAP_although_devices_send_again() => KillAgainAndAgainAsync(ByCoap);

    [Fact]
    public Task The_same_holds_by_CoAP_over_TCP_with_requests_pipelined() => KillAgainAndAgainAsync(ByCoapTcp);

    private Load ByMqtt => new(2, (id, user, password) => new LoadDevice(id, user, password, _start), host => host.Mqtt);

    private Load ByCoap => new(32, (id, user, password) => new CoapLoadDevice(id, user, password, _start), host => host.Coap);

    private Load ByCoapTcp => new(4, (id, user, password) => new CoapStreamLoadDevice(id, user, password, _start), host => host.CoapTcp);

    private async Task KillAgainAndAgainAsync(Load load, params string[] arguments)
    {
        var random = new Random(1);
        ILoadDevice[] devices = [];
        var ahead = 0;
        for (var cycle = 0; cycle < Cycles; cycle++)
        {
            await using var host = await HostProcess.StartAsync(_folder.Data, arguments);
            if (cycle == 0)
            {
                devices = new ILoadDevice[load.Devices];
                for (var i = 0; i < devices.Length; i++)
                {
                    var (user, password) = await host.AddDeviceAsync($"kill-{i}");
                    devices[i] = load.Make($"kill-{i}", user, password);
                }
            }
            else
            {
                ahead += (await Task.WhenAll(devices.Select(device => AheadAsync(host, device)))).Sum();
            }

            await KillUnderLoadAsync(host, load.EndpointOf(host), devices, random.Next(1, MostAcknowledgementsPerCycle));
        }

        await using var last = await HostProcess.StartAsync(_folder.Data, arguments);
        var audit = await LoadAudit.ReadAsync(last, devices);
        output.WriteLine($"{Cycles} cycles: {audit}; {ahead} were stored before they were sent again.");
        Assert.Equal(0, await last.StopAsync());
    }

    /// <summary>Kills the host at the given acknowledgement, while more readings are on their way to it.</summary>
    private static Task KillUnderLoadAsync(HostProcess host, IPEndPoint endpoint, ILoadDevice[] devices, int acknowledgements)
    {
        void Count(int count)
        {
            var left = Interlocked.Add(ref acknowledgements, -count);
            if (left <= 0 && left + count > 0)
                host.Kill();
        }

        return Task.WhenAll(devices.Select(device => device.RunAsync(endpoint, Count))).WaitAsync(CyclePatience);
    }

    /// <returns>How many readings the host stored that the device does not know of, and sends again.</returns>
    private static async Task<int> AheadAsync(HostProcess host, ILoadDevice device)
    {
        var latest = (await host.ReadAsync($"/api/v1/devices/{device.Id}/telemetry/latest"))["points"]!.AsArray();
        var ahead = (latest.Count == 0 ? 0 : (int)(double)latest[0]!["value"]! + 1) - device.Acknowledged;
        Assert.True(ahead >= 0, $"The last {-ahead} acknowledged readings of {device.Id} are not stored.");
        return ahead;
    }

    /// <summary>How the host is loaded.</summary>
    private sealed record Load(int Devices, Func<string, string, string, ILoadDevice> Make, Func<HostProcess, IPEndPoint> EndpointOf);
}
