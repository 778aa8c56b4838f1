using System.Globalization;
using System.Text.Json.Nodes;

namespace Insa.Iiot.SampleHost.Tests;

public sealed class SimulationTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Simulated_machines_publish_over_mqtt_from_the_start_and_from_the_next_start()
    {
        for (var start = 0; start < 2; start++)
        {
            var began = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
            await using var host = await HostProcess.StartAsync(_folder.Data, "--simulate", "2");
            Assert.Contains("2 simulated machines, sim-001 to sim-002", host.Banner, StringComparison.Ordinal);
            foreach (var device in new[] { "sim-001", "sim-002" })
            {
                // Two seconds of four values: it goes on.
                var points = await WaitForPointsAsync(host, $"/api/v1/devices/{device}/telemetry?from={began}", 8);
                var values = points.Take(4).ToDictionary(point => (string)point!["metric"]!, point => point!["value"]!);
                Assert.Equal("running", (string?)values["state"]);
                Assert.InRange((double)values["temperature"], 15, 110);
                Assert.InRange((double)values["vibration"], 0, 20);
                Assert.InRange((double)values["pressure"], 0, 10);
            }

            Assert.Equal(0, await host.StopAsync());
        }
    }

    [Fact]
    public async Task Without_the_option_nothing_is_simulated()
    {
        await using var host = await HostProcess.StartAsync(_folder.Data);
        Assert.Contains("--simulate N", host.Banner, StringComparison.Ordinal);
        Assert.Equal("demo-press-01", (string?)(await host.ReadAsync("/api/v1/devices"))["items"]!.AsArray().Single()!["id"]);
    }

    [Theory]
    [InlineData("two")]
    [InlineData("-1")]
    [InlineData("1000")]
    public async Task A_number_of_machines_that_cannot_be_simulated_is_named(string number)
    {
        var (exit, error) = await HostProcess.FailAsync(_folder.Data, "--simulate", number);
        Assert.Equal(1, exit);
        Assert.Contains($"Iiot:Simulate is '{number}'", error, StringComparison.Ordinal);
    }

    private static async Task<JsonArray> WaitForPointsAsync(HostProcess host, string path, int count)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            var points = (await host.ReadAsync(path))["points"]!.AsArray();
            if (points.Count >= count)
                return points;
            await Task.Delay(50, patience.Token);
        }
    }
}
