namespace Insa.Iiot.SampleHost.Tests;

/// <summary>The host as two processes, one that takes telemetry and one that writes it, with a real broker between them.</summary>
public sealed class RoleTests(AmqpBroker broker, PostgresCluster cluster, ITestOutputHelper output) : IClassFixture<AmqpBroker>, IDisposable
{
    private const int MostAcknowledgementsPerCycle = 5000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_an_adapter_takes_is_told_at_once_and_stored_by_the_writer_when_there_is_one()
    {
        var database = await cluster.MakeDatabaseAsync();
        var store = PostgresCluster.Arguments(cluster.Server, database);
        await using var adapter = await HostProcess.StartAsync(_folder.Data, [.. broker.Arguments, .. store, "--Iiot:Role", "adapter"]);
        await adapter.PostAsync("press", """{"data":{"t":21.5}}""");
        Assert.Empty((await adapter.ReadAsync("/api/v1/devices/press/telemetry/latest"))["points"]!.AsArray());

        await using (var writer = await HostProcess.StartAsync(_folder.Data, [.. broker.Arguments, .. store, "--Iiot:Role", "writer"]))
        {
            await UntilAsync(async () => await LatestAsync(adapter, "press") is 21.5);
            Assert.Contains("ready to write what adapters hand over", writer.Banner, StringComparison.Ordinal);
            Assert.DoesNotContain(AmqpBroker.Password, writer.Banner + writer.Log, StringComparison.Ordinal);
            Assert.Equal(0, await writer.StopAsync());
        }

        Assert.Equal(0, await adapter.StopAsync());
    }

    [Fact]
    public async Task What_a_device_was_told_is_stored_once_however_often_writer_and_adapter_are_killed()
    {
        var database = await cluster.MakeDatabaseAsync();
        string[] arguments = [.. broker.Arguments, .. PostgresCluster.Arguments(cluster.Server, database), "--Iiot:Role"];
        var start = DateTimeOffset.FromUnixTimeSeconds(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds()).AddDays(-1);
        var random = new Random(1);
        LoadDevice? device = null;

        // Each cycle is two kills.
        for (var cycle = 0; cycle < KillTests.Cycles / 2; cycle++)
        {
            await using var adapter = await HostProcess.StartAsync(_folder.Data, [.. arguments, "adapter"]);
            await using var writer = await HostProcess.StartAsync(_folder.Data, [.. arguments, "writer"]);
            if (device is null)
            {
                var (user, password) = await adapter.AddDeviceAsync("kill");
                device = new LoadDevice("kill", user, password, start);
            }

            // The adapter goes on without its writer for a while.
            var (writerEnd, adapterEnd) = (random.Next(1, MostAcknowledgementsPerCycle), random.Next(1, MostAcknowledgementsPerCycle));
            adapterEnd += writerEnd;
            var count = 0;
            void Count(int more)
            {
                if (count < writerEnd && count + more >= writerEnd)
                    writer.Kill();
                count += more;
                if (count >= adapterEnd)
                    adapter.Kill();
            }

            await device.RunAsync(adapter.Mqtt, Count).WaitAsync(Patience);
        }

        await using var last = await HostProcess.StartAsync(_folder.Data, [.. arguments, "adapter"]);
        await using var writing = await HostProcess.StartAsync(_folder.Data, [.. arguments, "writer"]);
        await UntilAsync(async () => await LatestAsync(last, "kill") >= device!.Acknowledged - 1);
        var audit = await LoadAudit.ReadAsync(last, [device!]);
        output.WriteLine($"{KillTests.Cycles} kills of writer and adapter: {audit}.");
        Assert.Equal(0, await writing.StopAsync());
        Assert.Equal(0, await last.StopAsync());
    }

    [Theory]
    [InlineData("adapter", "Iiot:Amqp:Uri")]
    [InlineData("both", "write all, adapter or writer")]
    public async Task A_role_that_cannot_be_meant_is_refused_with_what_to_do(string role, string hint)
    {
        var (exit, error) = await HostProcess.FailAsync(_folder.Data, "--Iiot:Role", role);
        Assert.Equal(1, exit);
        Assert.Contains(hint, Assert.Single(error.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
    }

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
