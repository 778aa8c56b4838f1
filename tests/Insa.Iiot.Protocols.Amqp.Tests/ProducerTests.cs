using System.Diagnostics;

namespace Insa.Iiot.Protocols.Amqp.Tests;

/// <summary>Producers that are not ours: what they have had confirmed is stored.</summary>
public sealed class ProducerTests(BrokerFixture fixture)
{
    private const int Count = 200;

    [Theory]
    [InlineData("/usr/bin/node", "node/amqp-publisher.mjs", "node/node_modules/amqplib")]
    [InlineData("/usr/bin/python3", "python/amqp_publisher.py", "/usr/lib/python3/dist-packages/pika")]
    public async Task What_they_publish_is_stored_in_order(string program, string script, string library)
    {
        var path = Path.Combine(FindPeers(library), script);
        await using var world = await AmqpWorld.StartAsync(fixture.Broker.Uri);
        using var producer = Process.Start(
            new ProcessStartInfo(program, [path, world.Uri.OriginalString, world.Queue, "press", $"{Count}"])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }
        )!;
        var errors = producer.StandardError.ReadToEndAsync();
        var output = await producer.StandardOutput.ReadToEndAsync();
        await producer.WaitForExitAsync();
        Assert.True(producer.ExitCode == 0, await errors);
        Assert.Contains($"confirmed {Count}", output, StringComparison.Ordinal);
        await world.WaitForStoredAsync(Count);
        Assert.Equal(Enumerable.Range(0, Count), world.Stored.Select(row => (int)row.Value.AsDouble()));
    }

    private static string FindPeers(string library)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var peers = Path.Combine(folder.FullName, "tests", "peers");
            if (Directory.Exists(Path.Combine(peers, "rabbitmq")) && Directory.Exists(Path.Combine(peers, library)))
                return peers;
        }

        const string Hint = "The producer is missing: run eng/install-peers.sh.";
        Assert.False(Environment.GetEnvironmentVariable("IIOT_REQUIRE_PEERS") == "1", Hint);
        Assert.Skip(Hint);
        return "";
    }
}
