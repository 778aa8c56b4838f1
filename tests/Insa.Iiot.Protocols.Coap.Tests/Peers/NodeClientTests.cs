using System.Text;
using System.Text.Json;

namespace Insa.Iiot.Protocols.Coap.Tests.Peers;

/// <summary>The Node package <c>coap</c> against our server: one process asks for all in turn.</summary>
[Trait("Category", "Peer")]
public sealed class NodeClientTests
{
    private static readonly string Large = string.Join('\n', Enumerable.Range(0, 1000).Select(i => $"line {i}"));

    [Fact]
    public async Task The_node_client_posts_discovers_reads_in_blocks_and_observes()
    {
        var script = NodePeer.Find("coap-client.mjs");
        await using var world = await CoapWorld.StartAsync(AddResources);
        var (output, exit) = await Peer.RunAsync(NodePeer.Program, script, $"{world.Address.Port}", CoapWorld.Token);
        Assert.True(exit == 0, output);
        Assert.Equal(
            [
                ("post", "2.04", ""),
                ("cbor", "2.04", ""),
                ("non-confirmable", "2.04", ""),
                ("blocks", "2.04", ""),
                ("stranger", "4.01", ""),
                ("malformed", "4.00", "the payload cannot be read"),
                ("discovery", "2.05", """</time>;ct="0 50 60";rt="insa.time" """.Trim()),
                ("large", "2.05", Large),
                ("observe", "", "state 0,state 1,state 2,state 3,state 4,state 5"),
            ],
            output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(ReadStep)
        );
        Assert.Equal([21.5, 21.5, 20.5], world.Stored.Where(row => row.Metric == "temp").Select(row => row.Value.AsDouble()));
        Assert.Equal(200, world.Stored.Count(row => row.Metric == "n"));
    }

    private static void AddResources(CoapServerOptions coap)
    {
        coap.Map("large").On(CoapCode.Get, (_, _) => Text(Encoding.UTF8.GetBytes(Large)));
        ReadOnlyMemory<byte> state = "state 0"u8.ToArray();
        var resource = coap.Map("state");
        resource.IsObservable = true;
        resource.On(CoapCode.Get, (_, _) => Text(state));
        resource.On(
            CoapCode.Put,
            (context, _) =>
            {
                state = context.Payload.ToArray();
                resource.NotifyChanged();
                return ValueTask.FromResult(new CoapResponse(CoapCode.Changed));
            }
        );
    }

    private static ValueTask<CoapResponse> Text(ReadOnlyMemory<byte> text) =>
        ValueTask.FromResult(new CoapResponse(CoapCode.Content) { Payload = text, ContentFormat = CoapContentFormat.Text });

    private static (string Step, string Code, string Text) ReadStep(string line)
    {
        using var step = JsonDocument.Parse(line);
        string Of(string name) => step.RootElement.GetProperty(name).GetString()!;
        return (Of("step"), Of("code"), Of("text"));
    }
}
