using System.Text;

namespace Insa.Iiot.Protocols.Coap.Tests.Client;

[Trait("Category", "Peer")]
public sealed class ClientPeerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Libcoap_answers_GET_ping_and_what_it_does_not_know()
    {
        await using var server = await LibcoapServer.StartAsync();
        await using var client = await CoapClient.ConnectAsync(server.Uri);
        var root = await client.GetAsync("/");
        Assert.Equal(CoapCode.Content, root.Code);
        Assert.Contains("libcoap", Text(root), StringComparison.Ordinal);
        var core = await client.GetAsync("/.well-known/core?rt=ticks");
        Assert.Equal(CoapContentFormat.LinkFormat, core.ContentFormat);
        Assert.StartsWith("</time>", Text(core), StringComparison.Ordinal);
        Assert.Equal(CoapCode.NotFound, (await client.GetAsync("/nothing")).Code);
        Assert.Equal(CoapCode.MethodNotAllowed, (await client.PostAsync("/async", default, CoapContentFormat.Text)).Code);
        var plain = await client.SendAsync(new CoapRequest(CoapCode.Get, "/time?ticks") { IsConfirmable = false });
        Assert.True(long.Parse(Text(plain)) > 0);
        Assert.Equal(TimeSpan.FromSeconds(1), plain.MaxAge);
        await client.PingAsync();
    }

    [Theory]
    [InlineData("openssl")]
    [InlineData("gnutls")]
    public async Task Libcoap_answers_over_dtls_by_a_pre_shared_key(string library)
    {
        await using var server = await LibcoapServer.StartAsync("-k sesame", program: $"/usr/bin/coap-server-{library}");
        var options = new CoapClientOptions { Psk = new DevicePsk("password", "sesame"u8.ToArray()) };
        await using var client = await CoapClient.ConnectAsync(server.SecureUri, options);
        Assert.Contains("libcoap", Text(await client.GetAsync("/")), StringComparison.Ordinal);
        var body = new byte[5000];
        Random.Shared.NextBytes(body);
        Assert.True((await client.PutAsync("/example_data", body, CoapContentFormat.OctetStream)).Code.IsSuccess);
        Assert.Equal(body, (await client.GetAsync("/example_data")).Payload.ToArray());

        options.Psk = new DevicePsk("password", "wrong"u8.ToArray());
        var error = await Assert.ThrowsAsync<CoapException>(() => CoapClient.ConnectAsync(server.SecureUri, options));
        Assert.True(error.Error is CoapError.NotAuthenticated or CoapError.Timeout, error.Message);
    }

    [Fact]
    public async Task Libcoap_answers_separately()
    {
        await using var server = await LibcoapServer.StartAsync();
        await using var client = await CoapClient.ConnectAsync(server.Uri);
        var slow = client.GetAsync("/async?1");
        var quick = await client.GetAsync("/");
        Assert.False(slow.IsCompleted);
        Assert.Equal(CoapCode.Content, quick.Code);
        Assert.Equal("done", Text(await slow));
    }

    [Theory]
    [InlineData(1024, 5000)]
    [InlineData(1024, 1024)]
    [InlineData(64, 1000)]
    [InlineData(16, 500)]
    [InlineData(1024, 300_000)]
    public async Task Libcoap_takes_and_gives_large_bodies(int blockSize, int length)
    {
        await using var server = await LibcoapServer.StartAsync();
        await using var client = await CoapClient.ConnectAsync(server.Uri, new CoapClientOptions { BlockSize = blockSize });
        var body = new byte[length];
        new Random(length).NextBytes(body);
        var put = await client.PutAsync("/example_data", body, CoapContentFormat.OctetStream);
        Assert.Equal(CoapCode.Created, put.Code);
        var got = await client.GetAsync("/example_data");
        Assert.Equal((CoapCode.Content, CoapContentFormat.OctetStream), (got.Code, got.ContentFormat));
        Assert.Equal(body, got.Payload);
    }

    [Fact]
    public async Task Libcoap_gives_a_body_back_in_the_answer_to_another()
    {
        await using var server = await LibcoapServer.StartAsync("-e");
        await using var client = await CoapClient.ConnectAsync(server.Uri);
        var body = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 1000).Select(i => $"{i},")));
        var put = await client.PutAsync("/example_data", body, CoapContentFormat.Text);
        Assert.Equal(CoapCode.Created, put.Code);
        Assert.Equal(body, put.Payload);
    }

    [Fact]
    public async Task Libcoap_creates_and_deletes()
    {
        await using var server = await LibcoapServer.StartAsync();
        await using var client = await CoapClient.ConnectAsync(server.Uri);
        Assert.Equal(CoapCode.Created, (await client.PutAsync("/new/one", "1"u8.ToArray(), CoapContentFormat.Text)).Code);
        Assert.Equal("1", Text(await client.GetAsync("/new/one")));
        Assert.Equal(CoapCode.Deleted, (await client.DeleteAsync("/new/one")).Code);
        Assert.Equal(CoapCode.NotFound, (await client.GetAsync("/new/one")).Code);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-N")]
    public async Task Libcoap_is_observed_and_told_of_the_end(string arguments)
    {
        await using var server = await LibcoapServer.StartAsync(arguments);
        await using var client = await CoapClient.ConnectAsync(server.Uri);
        await using var writer = await CoapClient.ConnectAsync(server.Uri);
        using var patience = new CancellationTokenSource(Patience);
        var count = 0;
        await writer.PutAsync("/example_data", "0"u8.ToArray(), CoapContentFormat.Text, patience.Token);
        await foreach (var state in client.ObserveAsync(new CoapRequest(CoapCode.Get, "/example_data"), patience.Token))
        {
            Assert.Equal($"{count}", Text(state));
            if (++count == 8)
                break;
            await writer.PutAsync("/example_data", Encoding.ASCII.GetBytes($"{count}"), CoapContentFormat.Text, patience.Token);
        }

        Assert.Equal(8, count);

        // The end is told before the next request has its turn.
        await client.PingAsync(patience.Token);
    }

    [Fact]
    public async Task Libcoap_is_observed_with_large_states()
    {
        await using var server = await LibcoapServer.StartAsync();
        await using var client = await CoapClient.ConnectAsync(server.Uri);
        await using var writer = await CoapClient.ConnectAsync(server.Uri);
        using var patience = new CancellationTokenSource(Patience);
        var count = 0;
        byte[] body = [.. Enumerable.Repeat((byte)'0', 3000)];
        await writer.PutAsync("/example_data", body, CoapContentFormat.Text, patience.Token);
        await foreach (var state in client.ObserveAsync(new CoapRequest(CoapCode.Get, "/example_data"), patience.Token))
        {
            Assert.Equal(body, state.Payload);
            if (++count == 4)
                break;
            body = [.. Enumerable.Repeat((byte)('0' + count), 3000 + count)];
            await writer.PutAsync("/example_data", body, CoapContentFormat.Text, patience.Token);
        }
    }

    [Fact]
    public async Task Libcoap_is_observed_as_its_clock_goes()
    {
        await using var server = await LibcoapServer.StartAsync();
        await using var client = await CoapClient.ConnectAsync(server.Uri);
        using var patience = new CancellationTokenSource(Patience);
        HashSet<string> times = [];
        await foreach (var state in client.ObserveAsync(new CoapRequest(CoapCode.Get, "/time"), patience.Token))
        {
            if (times.Add(Text(state)) && times.Count == 3)
                break;
        }

        Assert.Equal(3, times.Count);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Libcoap_is_reached_over_a_link_that_loses_repeats_and_swaps(int seed)
    {
        await using var server = await LibcoapServer.StartAsync();
        await using var link = new LossyLink(server.Uri.Port, seed);
        var options = new CoapClientOptions
        {
            AckTimeout = TimeSpan.FromMilliseconds(20),
            MaxRetransmit = 10,
            BlockSize = 256,
        };
        await using var client = await CoapClient.ConnectAsync(link.Uri, options);
        var body = new byte[20_000];
        new Random(seed).NextBytes(body);
        Assert.Equal(CoapCode.Created, (await client.PutAsync("/example_data", body, CoapContentFormat.OctetStream)).Code);
        Assert.Equal(body, (await client.GetAsync("/example_data")).Payload);
        Assert.True(link.Lost > 0);
    }

    [Fact]
    public async Task Nobody_there_is_no_acknowledgement()
    {
        Uri uri;
        await using (var server = await LibcoapServer.StartAsync())
            uri = server.Uri;
        var options = new CoapClientOptions { AckTimeout = TimeSpan.FromMilliseconds(10), MaxRetransmit = 2 };
        await using var client = await CoapClient.ConnectAsync(uri, options);
        var error = await Assert.ThrowsAsync<CoapException>(() => client.GetAsync("/"));
        Assert.Equal(CoapError.NoAcknowledgement, error.Error);
    }

    [Fact]
    public async Task A_server_is_found_by_its_name()
    {
        await using var server = await LibcoapServer.StartAsync(host: "localhost");
        await using var client = await CoapClient.ConnectAsync(server.Uri);
        Assert.Equal(CoapCode.Content, (await client.GetAsync("/")).Code);
    }

    private static string Text(CoapResponse response) => Encoding.UTF8.GetString(response.Payload.Span);
}
