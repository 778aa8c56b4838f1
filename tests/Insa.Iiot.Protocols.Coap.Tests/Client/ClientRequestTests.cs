namespace Insa.Iiot.Protocols.Coap.Tests.Client;

public sealed class ClientRequestTests : IAsyncDisposable
{
    private readonly ScriptedPeer _peer = new();

    public ValueTask DisposeAsync() => _peer.DisposeAsync();

    [Theory]
    [InlineData("", "", "")]
    [InlineData("/", "", "")]
    [InlineData("a/b", "a,b", "")]
    [InlineData("/a/b/", "a,b,", "")]
    [InlineData("/a%2Fb/%C3%BC?x=1&y=%26", "a/b,ü", "x=1,y=&")]
    [InlineData("?q", "", "q")]
    public async Task A_path_is_taken_apart_as_a_URI_is(string path, string segments, string query)
    {
        await using var client = _peer.MakeClient();
        var asking = client.GetAsync(path);
        var request = await _peer.NextAsync();
        Assert.Equal(segments, string.Join(',', request.Texts(CoapOptionNumber.UriPath)));
        Assert.Equal(query, string.Join(',', request.Texts(CoapOptionNumber.UriQuery)));
        _peer.Answer(request, CoapCode.Content);
        await asking;
    }

    [Fact]
    public async Task Options_are_sent_in_the_order_of_their_numbers()
    {
        await using var client = _peer.MakeClient(options => options.BlockSize = 64, "example.org");
        var request = new CoapRequest(CoapCode.Put, "/a?b")
        {
            Accept = 0,
            ContentFormat = 11542,
            IfNoneMatch = true,
            NoResponse = CoapNoResponse.Success,
            Payload = "p"u8.ToArray(),
        };
        request.Query.Add("c=d");
        request.ETags.Add(new byte[] { 1 });
        request.ETags.Add(new byte[] { 2 });
        request.IfMatch.Add(ReadOnlyMemory<byte>.Empty);
        request.Options.Add(new CoapOption(65000, new byte[] { 9 }));
        request.Options.Add(new CoapOption(CoapOptionNumber.UriPort, new byte[] { 7 }));
        request.Options.Add(new CoapOption(256, new byte[] { 8 }));
        var sending = client.SendAsync(request);
        var sent = await _peer.NextAsync();
        Assert.Equal([1, 3, 4, 4, 5, 7, 11, 12, 15, 15, 17, 23, 256, 258, 65000], sent.Options.Select(option => option.Number));
        Assert.Equal(["example.org"], sent.Texts(CoapOptionNumber.UriHost));
        Assert.Equal(["b", "c=d"], sent.Texts(CoapOptionNumber.UriQuery));
        Assert.Equal((0u, 11542u), (sent.UInt(CoapOptionNumber.Accept), sent.UInt(CoapOptionNumber.ContentFormat)));
        Assert.Equal("0/0/64", sent.Block(CoapOptionNumber.Block2));
        _peer.Answer(
            sent,
            CoapCode.Created,
            "",
            new CoapOption(CoapOptionNumber.LocationPath, "x"u8.ToArray()),
            new CoapOption(CoapOptionNumber.LocationPath, "y"u8.ToArray()),
            new CoapOption(CoapOptionNumber.LocationQuery, "z"u8.ToArray()),
            new CoapOption(CoapOptionNumber.ETag, new byte[] { 5, 6 })
        );
        var response = await sending;
        Assert.Equal(["x", "y"], response.LocationPath);
        Assert.Equal(["z"], response.LocationQuery);
        Assert.Equal([5, 6], response.ETag.ToArray());
        Assert.Null(response.ContentFormat);
        Assert.Null(response.MaxAge);
    }

    [Fact]
    public async Task What_no_message_can_hold_is_refused()
    {
        await using var client = _peer.MakeClient();
        Assert.Throws<ArgumentException>(() => new CoapRequest(CoapCode.Content, "/a"));
        Assert.Throws<ArgumentException>(() => new CoapRequest(CoapCode.Get, new string('a', 256)));
        Assert.Throws<ArgumentException>(() => new CoapRequest(CoapCode.Get, "?" + new string('a', 256)));
        await RefusesAsync(request => request.Query.Add(new string('a', 256)));
        await RefusesAsync(request => request.ETags.Add(default));
        await RefusesAsync(request => request.IfMatch.Add(new byte[9]));
        await RefusesAsync(request => request.Accept = 65536);
        await RefusesAsync(request => request.ContentFormat = -1);
        await RefusesAsync(request => request.Options.Add(new CoapOption(CoapOptionNumber.Block1, default)));
        await RefusesAsync(request => request.Options.Add(new CoapOption(65536, default)));
        _peer.AssertSilent();

        async Task RefusesAsync(Action<CoapRequest> change)
        {
            var request = new CoapRequest(CoapCode.Get, "/a");
            change(request);
            await Assert.ThrowsAsync<ArgumentException>(() => client.SendAsync(request));
        }
    }

    [Fact]
    public async Task Options_that_exceed_a_datagram_are_too_large()
    {
        await using var client = _peer.MakeClient();
        var request = new CoapRequest(CoapCode.Get, string.Join('/', Enumerable.Repeat(new string('a', 255), 6)));
        Assert.Equal(CoapError.TooLarge, (await Assert.ThrowsAsync<CoapException>(() => client.SendAsync(request))).Error);
        _peer.AssertSilent();
    }

    [Theory]
    [InlineData("http://127.0.0.1")]
    [InlineData("coap://127.0.0.1/path")]
    [InlineData("coap://127.0.0.1/?query")]
    [InlineData("coap://user@127.0.0.1")]
    public async Task A_server_is_named_by_scheme_host_and_port(string uri) =>
        await Assert.ThrowsAsync<ArgumentException>(() => CoapClient.ConnectAsync(new Uri(uri)));

    [Fact]
    public async Task A_name_that_is_not_known_cannot_be_reached()
    {
        var error = await Assert.ThrowsAsync<CoapException>(() => CoapClient.ConnectAsync(new Uri("coap://nowhere.invalid")));
        Assert.Equal((CoapError.Unreachable, true), (error.Error, error.IsTransient));
    }

    [Fact]
    public async Task All_options_out_of_range_are_told()
    {
        var options = new CoapClientOptions
        {
            AckTimeout = TimeSpan.Zero,
            AckRandomFactor = double.NaN,
            MaxRetransmit = 11,
            RequestTimeout = TimeSpan.FromDays(2),
            Nstart = 0,
            MaxPendingRequests = 0,
            MaxBodyBytes = 0,
            BlockSize = 100,
        };
        var error = await Assert.ThrowsAsync<ArgumentException>(() => CoapClient.ConnectAsync(new Uri("coap://127.0.0.1"), options));
        var expected = "AckTimeout = 00:00:00, AckRandomFactor = NaN, MaxRetransmit = 11, RequestTimeout = 2.00:00:00, Nstart = 0, ";
        Assert.Contains(expected + "MaxPendingRequests = 0, MaxBodyBytes = 0, BlockSize = 100.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_exchange_lifetime_is_247_s() => Assert.Equal(TimeSpan.FromSeconds(247), new CoapClientOptions().ExchangeLifetime);
}
