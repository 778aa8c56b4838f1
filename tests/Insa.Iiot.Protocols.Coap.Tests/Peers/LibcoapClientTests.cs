using System.Globalization;

namespace Insa.Iiot.Protocols.Coap.Tests.Peers;

/// <summary>Debian's <c>coap-client-notls</c> against our server.</summary>
[Trait("Category", "Peer")]
public sealed class LibcoapClientTests
{
    private const string Client = "coap-client-notls";

    [Fact]
    public async Task Coap_client_posts_a_reading()
    {
        await using var world = await CoapWorld.StartAsync();
        var (output, exit) = await Peer.RunAsync(
            Client,
            "-m",
            "post",
            "-t",
            "50",
            "-e",
            """{"data":{"temp":21.5}}""",
            Uri(world, "telemetry?" + CoapWorld.Token)
        );
        Assert.True(exit == 0, output);
        Assert.Equal("", output.Trim());
        Assert.Equal(("plant", "press", "temp", TelemetryValue.Of(21.5)), Assert.Single(world.Stored));
    }

    [Fact]
    public async Task Coap_client_is_told_what_is_wrong()
    {
        await using var world = await CoapWorld.StartAsync();
        var (unauthorized, _) = await Peer.RunAsync(Client, "-m", "post", "-e", "{}", Uri(world, "telemetry"));
        Assert.Contains("4.01", unauthorized, StringComparison.Ordinal);
        var (malformed, _) = await Peer.RunAsync(Client, "-m", "post", "-e", "{", Uri(world, "telemetry?" + CoapWorld.Token));
        Assert.Contains("4.00 the payload cannot be read", malformed, StringComparison.Ordinal);
        var (missing, _) = await Peer.RunAsync(Client, "-m", "get", Uri(world, "no-such-thing"));
        Assert.Contains("4.04", missing, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1024)]
    [InlineData(64)]
    public async Task Coap_client_posts_a_large_body_in_blocks(int blockSize)
    {
        await using var world = await CoapWorld.StartAsync();
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(
                file,
                "["
                    + string.Join(
                        ',',
                        Enumerable.Range(0, 200).Select(i => $$$"""{"data":{"n":{{{i}}}},"timestamp":{{{1_777_000_000_000 + i}}}}""")
                    )
                    + "]"
            );
            var (output, exit) = await Peer.RunAsync(
                Client,
                "-m",
                "post",
                "-t",
                "50",
                "-b",
                blockSize.ToString(CultureInfo.InvariantCulture),
                "-f",
                file,
                Uri(world, "telemetry?" + CoapWorld.Token)
            );
            Assert.True(exit == 0, output);
            Assert.Equal("", output.Trim());
            Assert.Equal(200, world.Stored.Count);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task Coap_client_discovers_the_resources()
    {
        await using var world = await CoapWorld.StartAsync();
        var (output, _) = await Peer.RunAsync(Client, "-m", "get", Uri(world, ".well-known/core"));
        Assert.Contains("</telemetry>", output, StringComparison.Ordinal);
        Assert.Contains("</time>", output, StringComparison.Ordinal);
        var (filtered, _) = await Peer.RunAsync(Client, "-m", "get", Uri(world, ".well-known/core?rt=insa.ti*"));
        Assert.Equal("""</time>;ct="0 50 60";rt="insa.time" """.Trim(), filtered.Trim());
    }

    [Fact]
    public async Task Coap_client_reads_a_large_answer_in_blocks()
    {
        var body = string.Join('\n', Enumerable.Range(0, 1000).Select(i => $"line {i}"));
        await using var world = await CoapWorld.StartAsync(coap =>
            coap.Map("large")
                .On(
                    CoapCode.Get,
                    (_, _) =>
                        ValueTask.FromResult(new CoapResponse(CoapCode.Content) { Payload = System.Text.Encoding.UTF8.GetBytes(body) })
                )
        );
        var (output, _) = await Peer.RunAsync(Client, "-m", "get", Uri(world, "large?" + CoapWorld.Token));
        Assert.Equal(body, output.Trim());
        var (small, _) = await Peer.RunAsync(Client, "-m", "get", "-b", "0,64", Uri(world, "large?" + CoapWorld.Token));
        Assert.Equal(body, small.Trim());
    }

    [Fact]
    public async Task Coap_client_observes()
    {
        var count = 0;
        CoapResource? resource = null;
        await using var world = await CoapWorld.StartAsync(coap =>
        {
            resource = coap.Map("count");
            resource.IsObservable = true;
            resource.On(
                CoapCode.Get,
                (_, _) =>
                {
                    var now = Interlocked.Increment(ref count);
                    return ValueTask.FromResult(
                        new CoapResponse(CoapCode.Content)
                        {
                            Payload = System.Text.Encoding.UTF8.GetBytes($"count {now} ends\n"),
                            ContentFormat = CoapContentFormat.Text,
                        }
                    );
                }
            );
        });
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        var observing = Peer.RunAsync(Client, "-m", "get", "-s", "2", Uri(world, "count?" + CoapWorld.Token));
        while (!observing.IsCompleted)
        {
            await pace.WaitForNextTickAsync();
            resource!.NotifyChanged();
        }

        var (output, _) = await observing;
        Assert.True(output.Split("ends").Length > 5, output);
    }

    private static string Uri(CoapWorld world, string path) => $"coap://{world.Address}/{path}";
}
