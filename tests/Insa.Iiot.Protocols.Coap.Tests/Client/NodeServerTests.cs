using System.Text;

namespace Insa.Iiot.Protocols.Coap.Tests.Client;

/// <summary>Our client against a server of the Node package <c>coap</c>.</summary>
[Trait("Category", "Peer")]
public sealed class NodeServerTests(NodeServer server) : IClassFixture<NodeServer>, IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public ValueTask InitializeAsync() => server.StartAsync();

    public ValueTask DisposeAsync() => default;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Node_answers_GET_and_POST(bool isConfirmable)
    {
        await using var client = await CoapClient.ConnectAsync(server.Uri);
        var hello = await client.SendAsync(new CoapRequest(CoapCode.Get, "/hello") { IsConfirmable = isConfirmable });
        Assert.Equal((CoapCode.Content, CoapContentFormat.Text, "hello"), (hello.Code, hello.ContentFormat, Text(hello)));
        Assert.Equal([1, 2, 3], hello.ETag.ToArray());
        var echo = await client.SendAsync(
            new CoapRequest(CoapCode.Post, "/echo") { IsConfirmable = isConfirmable, Payload = "21.5"u8.ToArray() }
        );
        Assert.Equal((CoapCode.Changed, "21.5"), (echo.Code, Text(echo)));
        Assert.Equal(CoapCode.NotFound, (await client.GetAsync("/nothing")).Code);
    }

    [Theory]
    [InlineData(1024)]
    [InlineData(64)]
    public async Task Node_gives_a_large_body(int blockSize)
    {
        await using var client = await CoapClient.ConnectAsync(server.Uri, new CoapClientOptions { BlockSize = blockSize });
        var large = await client.GetAsync("/large");
        Assert.Equal(CoapCode.Content, large.Code);
        Assert.Equal(string.Join('\n', Enumerable.Range(0, 1000).Select(i => $"line {i}")), Text(large));
    }

    [Fact]
    public async Task Node_which_knows_bodies_by_their_token_refuses_one_of_several_blocks()
    {
        // RFC 7959 knows a body by its resource. One token for all of its blocks would let an answer be taken for another's (RFC 9175 §4).
        await using var client = await CoapClient.ConnectAsync(server.Uri);
        var echo = await client.PostAsync("/echo", new byte[20_000], CoapContentFormat.OctetStream);
        Assert.Equal(CoapCode.InternalServerError, echo.Code);
        Assert.Equal(CoapCode.Changed, (await client.PostAsync("/echo", new byte[1000], CoapContentFormat.OctetStream)).Code);
    }

    [Fact]
    public async Task Node_is_observed_and_told_of_the_end()
    {
        await using var client = await CoapClient.ConnectAsync(server.Uri);
        await using var writer = await CoapClient.ConnectAsync(server.Uri);
        using var patience = new CancellationTokenSource(Patience);
        await writer.PutAsync("/state", "0"u8.ToArray(), CoapContentFormat.Text, patience.Token);
        var count = 0;
        await foreach (var state in client.ObserveAsync(new CoapRequest(CoapCode.Get, "/state"), patience.Token))
        {
            Assert.Equal($"{count}", Text(state));
            if (++count == 8)
                break;
            await writer.PutAsync("/state", Encoding.ASCII.GetBytes($"{count}"), CoapContentFormat.Text, patience.Token);
        }

        Assert.Equal(8, count);

        // It does not know the end by Observe 1 (RFC 7641 §3.6): the next notification is reset.
        await writer.PutAsync("/state", "9"u8.ToArray(), CoapContentFormat.Text, patience.Token);
        await server.ReadAsync("left");
    }

    private static string Text(CoapResponse response) => Encoding.UTF8.GetString(response.Payload.Span);
}
