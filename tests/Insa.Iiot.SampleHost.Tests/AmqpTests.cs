using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Insa.Iiot.SampleHost.Tests;

/// <summary>The host with a real broker: what its banner says works, and what the broker has confirmed is stored whatever happens to the host.</summary>
public sealed class AmqpTests(AmqpBroker broker, ITestOutputHelper output) : IClassFixture<AmqpBroker>, IDisposable
{
    private const int MostConfirmsPerCycle = 5000;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_the_banner_publishes_is_stored_and_its_password_is_said_nowhere()
    {
        await using var host = await HostProcess.StartAsync(_folder.Data, broker.Arguments);
        Assert.Contains($"AMQP   127.0.0.1:{broker.Uri.Port}", host.Banner, StringComparison.Ordinal);
        Assert.Contains("iiot.telemetry.default", host.Banner, StringComparison.Ordinal);
        await ConsumingAsync(host);

        var line = Assert.Single(host.Banner.Split('\n'), one => one.Contains("import os,pika", StringComparison.Ordinal));
        using var shell = Process.Start(
            new ProcessStartInfo("/bin/sh", ["-c", line]) { Environment = { ["AMQP_URI"] = broker.Uri.OriginalString } }
        )!;
        await shell.WaitForExitAsync().WaitAsync(Patience);
        Assert.Equal(0, shell.ExitCode);
        await UntilAsync(async () => await LatestAsync(host, "demo-press-01") is 23.5);

        Assert.Equal("Healthy", await host.ReadTextAsync("/health/broker"));
        Assert.Equal(0, await host.StopAsync());
        Assert.DoesNotContain(AmqpBroker.Password, host.Banner, StringComparison.Ordinal);
        Assert.DoesNotContain(AmqpBroker.Password, host.Log, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("localhost:5672", "write amqp://USER:PASSWORD@HOST:5672/VHOST")]
    [InlineData("amqp://plant:hush-hush@broker.example", "use amqps, or set AllowsPlainBeyondLoopback")]
    [InlineData("amqps://guest:hush-hush@broker.example", "make a user for this host")]
    public async Task A_broker_that_cannot_be_meant_is_refused_with_what_to_do(string uri, string hint)
    {
        var (exit, error) = await HostProcess.FailAsync(_folder.Data, "--Iiot:Amqp:Uri", uri);
        Assert.Equal(1, exit);
        Assert.Contains(hint, Assert.Single(error.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
        Assert.DoesNotContain("hush-hush", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_broker_has_confirmed_is_stored_once_however_often_the_host_is_killed()
    {
        var start = DateTimeOffset.FromUnixTimeSeconds(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds()).AddDays(-1);
        var device = new AmqpLoadDevice("kill-amqp", broker.Uri, start);
        var random = new Random(1);
        for (var cycle = 0; cycle < KillTests.Cycles; cycle++)
        {
            await using var host = await HostProcess.StartAsync(_folder.Data, broker.Arguments);
            if (cycle == 0)
                await host.AddDeviceAsync(device.Id);
            await ConsumingAsync(host);
            await KillUnderLoadAsync(host, device, random.Next(1, MostConfirmsPerCycle));
        }

        await using var last = await HostProcess.StartAsync(_folder.Data, broker.Arguments);
        await UntilAsync(async () => await LatestAsync(last, device.Id) >= device.Acknowledged - 1);
        var audit = await LoadAudit.ReadAsync(last, [device]);
        output.WriteLine($"{KillTests.Cycles} cycles: {audit}.");
        Assert.Equal(0, await last.StopAsync());
    }

    private async Task KillUnderLoadAsync(HostProcess host, AmqpLoadDevice device, int confirms)
    {
        using var stop = new CancellationTokenSource();
        void Count(int count)
        {
            confirms -= count;
            if (confirms > 0 || stop.IsCancellationRequested)
                return;
            host.Kill();
            stop.Cancel();
        }

        await device.RunAsync(broker.Endpoint, Count, stop.Token).WaitAsync(Patience);
    }

    private static Task ConsumingAsync(HostProcess host) =>
        UntilAsync(() => Task.FromResult((host.Banner + host.Log).Contains("Connected to the broker", StringComparison.Ordinal)));

    private static async Task<double?> LatestAsync(HostProcess host, string device)
    {
        var points = (await host.ReadAsync($"/api/v1/devices/{device}/telemetry/latest"))["points"]!.AsArray();
        return points.Count == 0 ? null : (double)points[0]!["value"]!;
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!await condition())
            await Task.Delay(20, patience.Token);
    }
}
