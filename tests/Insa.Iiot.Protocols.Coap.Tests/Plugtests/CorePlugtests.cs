using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Tests.Plugtests;

/// <summary>ETSI CoAP#4, TD_COAP_CORE, the server's side.</summary>
public sealed class CorePlugtests
{
    public static TheoryData<string, string, string, string> Exchanges =>
        new()
        {
            { "TD_COAP_CORE_01", "0.01", "test", "2.05" },
            { "TD_COAP_CORE_02", "0.04", "test", "2.02" },
            { "TD_COAP_CORE_03", "0.03", "test", "2.04" },
            { "TD_COAP_CORE_03 (created)", "0.03", "create1", "2.01" },
            { "TD_COAP_CORE_04", "0.02", "test", "2.01" },
            { "TD_COAP_CORE_13", "0.01", "seg1/seg2/seg3", "2.05" },
            { "TD_COAP_CORE_14", "0.01", "query?first=1&second=2&third=3", "2.05" },
        };

    [Theory]
    [MemberData(nameof(Exchanges))]
    public async Task A_confirmable_request_is_answered_in_its_acknowledgement(string id, string method, string path, string code)
    {
        await using var world = await PlugtestWorld.StartAsync();
        var answer = await world.AskAsync(MethodOf(method), path, method is "0.02" or "0.03" ? "body"u8.ToArray() : null, Text);
        Assert.Equal((id, code), (id, answer.Code.ToString()));
        if (code == "2.05")
            Assert.Equal(0u, answer.UInt(CoapOptionNumber.ContentFormat));
        if (path.StartsWith("query", StringComparison.Ordinal))
            Assert.Equal("first=1&second=2&third=3", answer.Text);
    }

    [Theory]
    [InlineData("TD_COAP_CORE_05", "0.01", "2.05")]
    [InlineData("TD_COAP_CORE_06", "0.04", "2.02")]
    [InlineData("TD_COAP_CORE_07", "0.03", "2.04")]
    [InlineData("TD_COAP_CORE_08", "0.02", "2.01")]
    public async Task A_request_that_is_not_confirmable_is_answered_likewise(string id, string method, string code)
    {
        await using var world = await PlugtestWorld.StartAsync();
        world.Send(CoapType.NonConfirmable, MethodOf(method), "test", [5], method is "0.02" or "0.03" ? "body"u8.ToArray() : null, Text);
        var answer = await world.World.Wire.NextAsync();
        Assert.Equal((id, CoapType.NonConfirmable, code), (id, answer.Type, answer.Code.ToString()));
        Assert.Equal([5], answer.Token);
    }

    [Theory]
    [InlineData("TD_COAP_CORE_09", "0A")]
    [InlineData("TD_COAP_CORE_11", "0102030405060708")]
    [InlineData("TD_COAP_CORE_16", "")]
    public async Task A_late_answer_comes_apart_from_its_acknowledgement(string id, string tokenHex)
    {
        await using var world = await PlugtestWorld.StartAsync();
        var token = Convert.FromHexString(tokenHex);
        await PrimeAsync(world);
        var requestId = world.Send(CoapType.Confirmable, CoapCode.Get, "separate", token);
        world.World.Pass(TimeSpan.FromSeconds(1.1));
        var empty = await world.World.Wire.NextAsync();
        Assert.Equal((id, CoapType.Acknowledgement, requestId, 0), (id, empty.Type, empty.Id, (int)empty.Code.Value));
        world.Resources.ReleaseSeparate();
        var answer = await world.World.Wire.NextAsync();
        Assert.Equal((CoapType.Confirmable, CoapCode.Content), (answer.Type, answer.Code));
        Assert.Equal(token, answer.Token);

        // TD_COAP_CORE_16: the acknowledgement is lost, and so the answer comes again.
        world.World.Pass(TimeSpan.FromSeconds(3.1));
        var again = await world.World.Wire.NextAsync();
        Assert.Equal(answer.Datagram, again.Datagram);
        world.Acknowledge(again);
        world.World.Pass(TimeSpan.FromSeconds(60));
        Assert.Null(world.World.Wire.Next());
    }

    [Fact] // TD_COAP_CORE_17
    public async Task A_late_answer_to_what_is_not_confirmable_is_not_either()
    {
        await using var world = await PlugtestWorld.StartAsync();
        await PrimeAsync(world);
        world.Send(CoapType.NonConfirmable, CoapCode.Get, "separate", [1]);
        world.World.Pass(TimeSpan.FromSeconds(5));
        Assert.Null(world.World.Wire.Next());
        world.Resources.ReleaseSeparate();
        Assert.Equal(CoapType.NonConfirmable, (await world.World.Wire.NextAsync()).Type);
    }

    [Theory]
    [InlineData("TD_COAP_CORE_10", "0102030405060708")]
    [InlineData("TD_COAP_CORE_12", "")]
    public async Task The_token_comes_back_as_it_was(string id, string tokenHex)
    {
        await using var world = await PlugtestWorld.StartAsync();
        world.Send(CoapType.Confirmable, CoapCode.Get, "test", Convert.FromHexString(tokenHex));
        Assert.Equal((id, tokenHex), (id, Convert.ToHexString((await world.World.Wire.NextAsync()).Token)));
    }

    [Fact] // TD_COAP_CORE_15
    public async Task A_request_whose_answer_was_lost_is_answered_again_and_done_once()
    {
        await using var world = await PlugtestWorld.StartAsync();
        await PrimeAsync(world);
        var request = Wire.Request(CoapType.Confirmable, CoapCode.Post, 77, [3], "test?" + CoapWorld.Token, "once"u8);
        world.World.Receive(request);
        var first = await world.World.Wire.NextAsync();
        world.Resources.Set("test", "changed since"u8.ToArray());
        world.World.Receive(request);
        Assert.Equal(first.Datagram, (await world.World.Wire.NextAsync()).Datagram);
        Assert.Equal("changed since", (await world.AskAsync(CoapCode.Get, "test")).Text);
    }

    [Fact] // TD_COAP_CORE_18
    public async Task What_was_created_is_told_by_segments_of_its_path()
    {
        await using var world = await PlugtestWorld.StartAsync();
        var answer = await world.AskAsync(CoapCode.Post, "test", "new"u8.ToArray(), Text);
        Assert.Equal(
            ["location1", "location2", "location3"],
            answer.All(CoapOptionNumber.LocationPath).Select(System.Text.Encoding.UTF8.GetString)
        );
    }

    [Fact] // TD_COAP_CORE_19
    public async Task What_was_created_is_told_by_arguments_of_its_query()
    {
        await using var world = await PlugtestWorld.StartAsync();
        var answer = await world.AskAsync(CoapCode.Post, "location-query", "new"u8.ToArray(), Text);
        Assert.Equal(["first=1", "second=2"], answer.All(CoapOptionNumber.LocationQuery).Select(System.Text.Encoding.UTF8.GetString));
    }

    [Theory] // TD_COAP_CORE_20
    [InlineData(0, "2.05", 0u)]
    [InlineData(41, "2.05", 41u)]
    [InlineData(50, "4.06", null)]
    public async Task The_answer_is_of_the_format_that_is_accepted(int accept, string code, uint? format)
    {
        await using var world = await PlugtestWorld.StartAsync();
        var answer = await world.AskAsync(CoapCode.Get, "multi-format", null, (CoapOptionNumber.Accept, Wire.UInt((uint)accept)));
        Assert.Equal((code, format), (answer.Code.ToString(), answer.UInt(CoapOptionNumber.ContentFormat)));
    }

    [Fact] // TD_COAP_CORE_21
    public async Task What_the_client_has_is_told_to_be_valid_until_it_changes()
    {
        await using var world = await PlugtestWorld.StartAsync();
        var first = await world.AskAsync(CoapCode.Get, "validate");
        var etag = first.Option(CoapOptionNumber.ETag)!;
        var second = await world.AskAsync(CoapCode.Get, "validate", null, (CoapOptionNumber.ETag, etag));
        Assert.Equal((CoapCode.Valid, 0), (second.Code, second.Payload.Length));
        Assert.Equal(etag, second.Option(CoapOptionNumber.ETag));
        world.Resources.Set("validate", "another"u8.ToArray());
        var third = await world.AskAsync(CoapCode.Get, "validate", null, (CoapOptionNumber.ETag, etag));
        Assert.Equal((CoapCode.Content, "another"), (third.Code, third.Text));
        Assert.NotEqual(etag, third.Option(CoapOptionNumber.ETag));
    }

    [Fact] // TD_COAP_CORE_22
    public async Task A_change_is_refused_if_it_would_overwrite_another()
    {
        await using var world = await PlugtestWorld.StartAsync();
        var etag = (await world.AskAsync(CoapCode.Get, "validate")).Option(CoapOptionNumber.ETag)!;
        Assert.Equal(
            CoapCode.Changed,
            (await world.AskAsync(CoapCode.Put, "validate", "mine"u8.ToArray(), (CoapOptionNumber.IfMatch, etag))).Code
        );
        Assert.Equal(
            CoapCode.PreconditionFailed,
            (await world.AskAsync(CoapCode.Put, "validate", "mine again"u8.ToArray(), (CoapOptionNumber.IfMatch, etag))).Code
        );
    }

    [Fact] // TD_COAP_CORE_23
    public async Task A_creation_is_refused_if_it_is_there_already()
    {
        await using var world = await PlugtestWorld.StartAsync();
        (int, byte[]) none = (CoapOptionNumber.IfNoneMatch, []);
        Assert.Equal(CoapCode.Created, (await world.AskAsync(CoapCode.Put, "create1", "new"u8.ToArray(), none)).Code);
        Assert.Equal(CoapCode.PreconditionFailed, (await world.AskAsync(CoapCode.Put, "create1", "new"u8.ToArray(), none)).Code);
    }

    [Fact] // TD_COAP_CORE_31
    public async Task A_ping_is_answered_by_a_reset()
    {
        await using var world = await PlugtestWorld.StartAsync();
        world.World.Receive(Wire.Empty(CoapType.Confirmable, 31));
        var answer = await world.World.Wire.NextAsync();
        Assert.Equal((CoapType.Reset, (ushort)31, 4), (answer.Type, answer.Id, answer.Datagram.Length));
    }

    private static (int, byte[]) Text => (CoapOptionNumber.ContentFormat, []);

    private static CoapCode MethodOf(string text) => new((byte)(text[^1] - '0'));

    // The token is checked by another thread once, and by the receiving one after that.
    private static Task<Sent> PrimeAsync(PlugtestWorld world) => world.AskAsync(CoapCode.Get, "test");
}
