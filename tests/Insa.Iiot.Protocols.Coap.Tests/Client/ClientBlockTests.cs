using System.Text;

namespace Insa.Iiot.Protocols.Coap.Tests.Client;

public sealed class ClientBlockTests : IAsyncDisposable
{
    private readonly ScriptedPeer _peer = new();

    public ValueTask DisposeAsync() => _peer.DisposeAsync();

    [Fact]
    public async Task A_body_larger_than_a_block_is_sent_in_blocks()
    {
        await using var client = _peer.MakeClient(options => options.BlockSize = 64);
        var posting = client.PostAsync("/t", Body(150), CoapContentFormat.OctetStream);
        Assert.Equal("0/1/64 150 64", await TakeBlockAsync());
        Assert.Equal("1/1/64  64", await TakeBlockAsync());
        var last = await _peer.NextAsync();
        Assert.Equal("2/0/64", last.Block(CoapOptionNumber.Block1));
        Assert.Equal("0/0/64", last.Block(CoapOptionNumber.Block2));
        Assert.Equal((22, 42u), (last.Payload.Length, last.UInt(CoapOptionNumber.ContentFormat)));
        Assert.False(last.Has(CoapOptionNumber.RequestTag));
        _peer.Answer(last, CoapCode.Changed, "", ScriptedPeer.Block(CoapOptionNumber.Block1, 2, false, 64));
        Assert.Equal(CoapCode.Changed, (await posting).Code);
    }

    [Fact]
    public async Task A_smaller_size_of_the_server_is_used_from_the_next_block_on()
    {
        await using var client = _peer.MakeClient(options => options.BlockSize = 128);
        var posting = client.PostAsync("/t", Body(200), CoapContentFormat.OctetStream);
        Assert.Equal("0/1/128 200 128", await TakeBlockAsync(size: 32));
        Assert.Equal("4/1/32  32", await TakeBlockAsync());
        Assert.Equal("5/1/32  32", await TakeBlockAsync(size: 64));
        var last = await _peer.NextAsync();
        Assert.Equal(("6/0/32", 8), (last.Block(CoapOptionNumber.Block1), last.Payload.Length));
        _peer.Answer(last, CoapCode.Changed);
        await posting;
    }

    [Fact]
    public async Task A_4_13_with_a_smaller_size_is_tried_again_with_that_size()
    {
        await using var client = _peer.MakeClient();
        var posting = client.PostAsync("/t", Body(100), CoapContentFormat.OctetStream);
        var whole = await _peer.NextAsync();
        Assert.Null(whole.Block(CoapOptionNumber.Block1));
        _peer.Answer(whole, CoapCode.RequestEntityTooLarge, "", ScriptedPeer.Block(CoapOptionNumber.Block1, 0, false, 64));
        var block = await _peer.NextAsync();
        Assert.Equal("0/1/64", block.Block(CoapOptionNumber.Block1));
        _peer.Answer(block, CoapCode.RequestEntityTooLarge, "", ScriptedPeer.Block(CoapOptionNumber.Block1, 0, false, 32));
        block = await _peer.NextAsync();
        Assert.Equal("0/1/32", block.Block(CoapOptionNumber.Block1));
        _peer.Answer(block, CoapCode.RequestEntityTooLarge, "", ScriptedPeer.Block(CoapOptionNumber.Block1, 0, false, 32));
        Assert.Equal(CoapCode.RequestEntityTooLarge, (await posting).Code);
        _peer.AssertSilent();
    }

    [Fact]
    public async Task A_4_08_begins_anew_once()
    {
        await using var client = _peer.MakeClient(options => options.BlockSize = 64);
        var posting = client.PostAsync("/t", Body(150), CoapContentFormat.OctetStream);
        Assert.Equal("0/1/64 150 64", await TakeBlockAsync());
        _peer.Answer(await _peer.NextAsync(), CoapCode.RequestEntityIncomplete);
        Assert.Equal("0/1/64 150 64", await TakeBlockAsync());
        _peer.Answer(await _peer.NextAsync(), CoapCode.RequestEntityIncomplete);
        Assert.Equal(CoapCode.RequestEntityIncomplete, (await posting).Code);
        _peer.AssertSilent();
    }

    [Fact]
    public async Task Bodies_sent_at_the_same_time_are_told_apart_by_a_tag()
    {
        await using var client = _peer.MakeClient(options => (options.BlockSize, options.Nstart) = (64, 3));
        var posting = Enumerable.Range(0, 3).Select(_ => client.PostAsync("/t", Body(100), CoapContentFormat.OctetStream)).ToArray();
        List<uint?> first = [];
        for (var i = 0; i < 3; i++)
        {
            var block = await _peer.NextAsync();
            first.Add(block.UInt(CoapOptionNumber.RequestTag));
            _peer.Answer(block, CoapCode.Continue, "", ScriptedPeer.Block(CoapOptionNumber.Block1, 0, true, 64));
        }

        Assert.Equal([null, 1u, 2u], first);
        List<uint?> last = [];
        for (var i = 0; i < 3; i++)
        {
            var block = await _peer.NextAsync();
            last.Add(block.UInt(CoapOptionNumber.RequestTag));
            _peer.Answer(block, CoapCode.Changed);
        }

        Assert.Equal([null, 1u, 2u], last.Order());
        await Task.WhenAll(posting);
    }

    [Theory]
    [InlineData(0x5F, -1)] // 2.31 without a block
    [InlineData(0x5F, 5)] // or with another
    [InlineData(0x44, -1)] // success for a part
    public async Task What_is_no_answer_to_a_block_is_malformed(byte code, int number)
    {
        await using var client = _peer.MakeClient(options => options.BlockSize = 64);
        var posting = client.PostAsync("/t", Body(150), CoapContentFormat.OctetStream);
        CoapOption[] options = number < 0 ? [] : [ScriptedPeer.Block(CoapOptionNumber.Block1, number, true, 64)];
        _peer.Answer(await _peer.NextAsync(), new CoapCode(code), "", options);
        Assert.Equal(CoapError.Malformed, (await Assert.ThrowsAsync<CoapException>(() => posting)).Error);
    }

    [Fact]
    public async Task A_2_31_for_the_last_block_is_malformed()
    {
        await using var client = _peer.MakeClient(options => options.BlockSize = 64);
        var posting = client.PostAsync("/t", Body(100), CoapContentFormat.OctetStream);
        await TakeBlockAsync();
        _peer.Answer(await _peer.NextAsync(), CoapCode.Continue, "", ScriptedPeer.Block(CoapOptionNumber.Block1, 1, true, 64));
        Assert.Equal(CoapError.Malformed, (await Assert.ThrowsAsync<CoapException>(() => posting)).Error);
    }

    [Fact]
    public async Task No_Response_is_asked_for_with_the_last_block_alone()
    {
        await using var client = _peer.MakeClient(options => options.BlockSize = 64);
        var request = new CoapRequest(CoapCode.Post, "/t") { Payload = Body(100), NoResponse = CoapNoResponse.Success };
        var posting = client.SendAsync(request);
        var block = await _peer.NextAsync();
        Assert.False(block.Has(CoapOptionNumber.NoResponse));
        _peer.Answer(block, CoapCode.Continue, "", ScriptedPeer.Block(CoapOptionNumber.Block1, 0, true, 64));
        block = await _peer.NextAsync();
        Assert.Equal(2u, block.UInt(CoapOptionNumber.NoResponse));
        _peer.Acknowledge(block);
        await posting;
    }

    [Fact]
    public async Task An_Echo_is_asked_for_in_the_middle_of_a_body()
    {
        await using var client = _peer.MakeClient(options => options.BlockSize = 64);
        var posting = client.PostAsync("/t", Body(100), CoapContentFormat.OctetStream);
        _peer.Answer(await _peer.NextAsync(), CoapCode.Unauthorized, "", ScriptedPeer.Option(CoapOptionNumber.Echo, 5));
        Assert.Equal("0/1/64 150 64".Replace("150", "100", StringComparison.Ordinal), await TakeBlockAsync());
        _peer.Answer(await _peer.NextAsync(), CoapCode.Changed);
        Assert.Equal(CoapCode.Changed, (await posting).Code);
    }

    [Fact]
    public async Task The_blocks_of_a_response_are_fetched()
    {
        await using var client = _peer.MakeClient();
        var getting = client.GetAsync("/large?x");
        await GiveBlockAsync(null, 0, true, new string('a', 64), 7);
        await GiveBlockAsync("1/0/64", 1, true, new string('b', 64), 7);

        // It may change to smaller ones.
        await GiveBlockAsync("2/0/64", 4, false, "c", 7, size: 32);
        var response = await getting;
        Assert.Equal(new string('a', 64) + new string('b', 64) + "c", Encoding.UTF8.GetString(response.Payload.Span));
        Assert.Equal([7], response.ETag.ToArray());
    }

    [Fact]
    public async Task A_FETCH_repeats_its_body_for_every_block_and_a_POST_does_not()
    {
        await using var client = _peer.MakeClient();
        foreach (var method in new[] { CoapCode.Fetch, CoapCode.Post })
        {
            var asking = client.SendAsync(new CoapRequest(method, "/large") { Payload = "what"u8.ToArray() });
            await GiveBlockAsync(null, 0, true, new string('a', 64), 7);
            var next = await _peer.NextAsync();
            Assert.Equal(method == CoapCode.Fetch ? "what" : "", next.Text);
            _peer.Answer(next, CoapCode.Content, "b", ScriptedPeer.Block(CoapOptionNumber.Block2, 1, false, 64), Tag(7));
            Assert.Equal(65, (await asking).Payload.Length);
        }
    }

    [Fact]
    public async Task A_body_that_changes_is_fetched_anew_once()
    {
        await using var client = _peer.MakeClient();
        var getting = client.GetAsync("/large");
        await GiveBlockAsync(null, 0, true, new string('a', 64), 1);
        await GiveBlockAsync("1/0/64", 1, false, "b", 2);
        await GiveBlockAsync("0/0/64", 0, true, new string('c', 64), 2);
        await GiveBlockAsync("1/0/64", 1, false, "d", 2);
        Assert.Equal(new string('c', 64) + "d", Encoding.UTF8.GetString((await getting).Payload.Span));

        getting = client.GetAsync("/large");
        await GiveBlockAsync(null, 0, true, new string('a', 64), 1);
        await GiveBlockAsync("1/0/64", 1, false, "b", 2);
        await GiveBlockAsync("0/0/64", 0, true, new string('c', 64), 2);
        await GiveBlockAsync("1/0/64", 1, false, "d", 3);
        var error = await Assert.ThrowsAsync<CoapException>(() => getting);
        Assert.Equal((CoapError.BodyChanged, true), (error.Error, error.IsTransient));
    }

    [Fact]
    public async Task An_error_in_the_middle_of_a_body_is_the_response()
    {
        await using var client = _peer.MakeClient();
        var getting = client.GetAsync("/large");
        await GiveBlockAsync(null, 0, true, new string('a', 64), 1);
        _peer.Answer(await _peer.NextAsync(), CoapCode.NotFound, "gone");
        var response = await getting;
        Assert.Equal((CoapCode.NotFound, "gone"), (response.Code, Encoding.UTF8.GetString(response.Payload.Span)));
    }

    [Theory]
    [InlineData(1, 64, 64)] // not the first
    [InlineData(0, 63, 64)] // not full
    [InlineData(0, 65, 64)] // too full
    public async Task A_block_that_does_not_fit_is_malformed(int number, int length, int size)
    {
        await using var client = _peer.MakeClient();
        var getting = client.GetAsync("/large");
        await GiveBlockAsync(null, number, true, new string('a', length), 1, size);
        Assert.Equal(CoapError.Malformed, (await Assert.ThrowsAsync<CoapException>(() => getting)).Error);
    }

    [Fact]
    public async Task A_block_twice_or_none_at_all_is_malformed()
    {
        await using var client = _peer.MakeClient();
        var getting = client.GetAsync("/large");
        await GiveBlockAsync(null, 0, true, new string('a', 64), 1);
        await GiveBlockAsync("1/0/64", 0, true, new string('a', 64), 1);
        Assert.Equal(CoapError.Malformed, (await Assert.ThrowsAsync<CoapException>(() => getting)).Error);

        getting = client.GetAsync("/large");
        await GiveBlockAsync(null, 0, true, new string('a', 64), 1);
        _peer.Answer(await _peer.NextAsync(), CoapCode.Content, "b", Tag(1));
        Assert.Equal(CoapError.Malformed, (await Assert.ThrowsAsync<CoapException>(() => getting)).Error);
    }

    [Fact]
    public async Task A_body_beyond_the_limit_is_given_up()
    {
        await using var client = _peer.MakeClient(options => options.MaxBodyBytes = 100);
        var getting = client.GetAsync("/large");
        await GiveBlockAsync(null, 0, true, new string('a', 64), 1);
        await GiveBlockAsync("1/0/64", 1, true, new string('a', 64), 1);
        Assert.Equal(CoapError.TooLarge, (await Assert.ThrowsAsync<CoapException>(() => getting)).Error);

        // As soon as it is known.
        getting = client.GetAsync("/large");
        CoapOption[] options = [ScriptedPeer.Block(CoapOptionNumber.Block2, 0, true, 64), ScriptedPeer.Option(CoapOptionNumber.Size2, 101)];
        _peer.Answer(await _peer.NextAsync(), CoapCode.Content, new string('a', 64), options);
        Assert.Equal(CoapError.TooLarge, (await Assert.ThrowsAsync<CoapException>(() => getting)).Error);

        getting = client.GetAsync("/large");
        _peer.Answer(await _peer.NextAsync(), CoapCode.Content, new string('a', 101));
        Assert.Equal(CoapError.TooLarge, (await Assert.ThrowsAsync<CoapException>(() => getting)).Error);

        var posting = client.PostAsync("/t", Body(101), CoapContentFormat.OctetStream);
        Assert.Equal(CoapError.TooLarge, (await Assert.ThrowsAsync<CoapException>(() => posting)).Error);
        _peer.AssertSilent();
    }

    private static byte[] Body(int length) => [.. Enumerable.Range(0, length).Select(i => (byte)i)];

    private static CoapOption Tag(byte tag) => new(CoapOptionNumber.ETag, new[] { tag });

    // Takes a block and wants more, perhaps in another size: "block size-of-body length".
    private async Task<string> TakeBlockAsync(int? size = null)
    {
        var request = await _peer.NextAsync();
        var block = request.Block(CoapOptionNumber.Block1)!.Split('/');
        var option = ScriptedPeer.Block(CoapOptionNumber.Block1, int.Parse(block[0]), true, size ?? int.Parse(block[2]));
        _peer.Answer(request, CoapCode.Continue, "", option);
        return $"{string.Join('/', block)} {request.UInt(CoapOptionNumber.Size1)} {request.Payload.Length}";
    }

    // Gives the block that is asked for, or another.
    private async Task GiveBlockAsync(string? asked, int number, bool hasMore, string payload, byte tag, int size = 64)
    {
        var request = await _peer.NextAsync();
        Assert.Equal(asked, request.Block(CoapOptionNumber.Block2));
        _peer.Answer(request, CoapCode.Content, payload, ScriptedPeer.Block(CoapOptionNumber.Block2, number, hasMore, size), Tag(tag));
    }
}
