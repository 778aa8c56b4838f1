using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Tests.Plugtests;

/// <summary>ETSI CoAP#4, TD_COAP_BLOCK, the server's side.</summary>
public sealed class BlockPlugtests
{
    [Theory]
    [InlineData("TD_COAP_BLOCK_01", 2)]
    [InlineData("TD_COAP_BLOCK_01", 6)]
    [InlineData("TD_COAP_BLOCK_02", null)]
    [InlineData("TD_COAP_BLOCK_06", 0)]
    public async Task A_large_answer_is_read_block_by_block(string id, int? exponent)
    {
        await using var world = await PlugtestWorld.StartAsync();
        Assert.Equal((id, PlugtestResources.Large), (id, await world.DownloadAsync("large", exponent)));
    }

    [Fact] // TD_COAP_BLOCK_03
    public async Task A_large_body_is_put_block_by_block()
    {
        await using var world = await PlugtestWorld.StartAsync();
        Assert.Equal(CoapCode.Created, (await world.UploadAsync(CoapCode.Put, "large-update", PlugtestResources.Large, 4)).Code);
        Assert.Equal(PlugtestResources.Large, await world.DownloadAsync("large-update", 5));
    }

    [Fact] // TD_COAP_BLOCK_04
    public async Task A_large_resource_is_created_block_by_block()
    {
        await using var world = await PlugtestWorld.StartAsync();
        var answer = await world.UploadAsync(CoapCode.Post, "large-create", PlugtestResources.Large, 6);
        Assert.Equal((CoapCode.Created, 3), (answer.Code, answer.All(CoapOptionNumber.LocationPath).Count()));
        Assert.Equal(PlugtestResources.Large, await world.DownloadAsync("large-create", null));
    }

    [Fact] // TD_COAP_BLOCK_05
    public async Task A_large_body_is_answered_by_a_large_one()
    {
        await using var world = await PlugtestWorld.StartAsync();
        var text = PlugtestResources.Large.Replace('0', 'a');
        var answer = await world.UploadAsync(CoapCode.Post, "large-post", text, 5);
        var body = answer.Text;
        Assert.True(answer.Block(CoapOptionNumber.Block2).HasMore);
        for (var number = 1; ; number++)
        {
            answer = await world.AskAsync(
                CoapCode.Post,
                "large-post",
                null,
                (CoapOptionNumber.Block2, Wire.UInt(new CoapBlock(number, false, 6).Value))
            );
            body += answer.Text;
            if (!answer.Block(CoapOptionNumber.Block2).HasMore)
                break;
        }

        Assert.Equal(text.ToUpperInvariant(), body);
    }

    [Fact]
    public async Task A_block_past_the_end_is_refused()
    {
        await using var world = await PlugtestWorld.StartAsync();
        var answer = await world.AskAsync(
            CoapCode.Get,
            "large",
            null,
            (CoapOptionNumber.Block2, Wire.UInt(new CoapBlock(100, false, 6).Value))
        );
        Assert.Equal(CoapCode.BadRequest, answer.Code);
    }

    [Fact]
    public async Task A_last_block_whose_answer_was_lost_is_answered_again()
    {
        await using var world = await PlugtestWorld.StartAsync();
        await world.UploadAsync(CoapCode.Put, "large-update", PlugtestResources.Large, 6);
        world.Resources.Set("large-update", "changed since"u8.ToArray());
        byte[] last = System.Text.Encoding.UTF8.GetBytes(PlugtestResources.Large)[1024..];
        var request = Wire.Request(
            CoapType.Confirmable,
            CoapCode.Put,
            50,
            [1],
            "large-update?" + CoapWorld.Token,
            last,
            (CoapOptionNumber.Block1, Wire.UInt(new CoapBlock(1, false, 6).Value))
        );
        await world.AskAsync(
            CoapCode.Put,
            "large-update",
            System.Text.Encoding.UTF8.GetBytes(PlugtestResources.Large)[..1024],
            (CoapOptionNumber.Block1, Wire.UInt(new CoapBlock(0, true, 6).Value))
        );
        world.World.Receive(request);
        var first = await world.World.Wire.NextAsync();
        Assert.Equal(CoapCode.Changed, first.Code);
        world.World.Receive(request);
        Assert.Equal(first.Datagram, (await world.World.Wire.NextAsync()).Datagram);
    }
}
