namespace Insa.Iiot.Protocols.Coap.Tests.Plugtests;

/// <summary>ETSI CoAP#4, TD_COAP_LINK, the server's side (RFC 6690).</summary>
public sealed class LinkPlugtests
{
    [Theory]
    [InlineData("TD_COAP_LINK_02", "?rt=Type1", "link1 link3")]
    [InlineData("TD_COAP_LINK_03", "?rt=*", "devices link1 link2 link3 telemetry time")]
    [InlineData("TD_COAP_LINK_04", "?rt=Type2", "link1 link2")]
    [InlineData("TD_COAP_LINK_05", "?if=If*", "link1 link2")]
    [InlineData("TD_COAP_LINK_06", "?sz=*", "link3")]
    [InlineData("TD_COAP_LINK_07", "?href=/link1", "link1")]
    [InlineData("TD_COAP_LINK_08", "?href=/link*", "link1 link2 link3")]
    [InlineData("TD_COAP_LINK_09", "?href=/path*", "path path/sub1 path/sub2 path/sub3")]
    [InlineData("none", "?rt=Nothing", "")]
    [InlineData("both", "?rt=Type1&if=foo", "link3")]
    public async Task Links_are_those_that_are_asked_for(string id, string query, string expected)
    {
        await using var world = await PlugtestWorld.StartAsync();
        var answer = await world.AskAsync(CoapCode.Get, ".well-known/core" + query);
        Assert.Equal((id, CoapCode.Content, 40u), (id, answer.Code, answer.UInt(CoapOptionNumber.ContentFormat)));
        var paths = answer
            .Text.Split(',', StringSplitOptions.RemoveEmptyEntries)
            .Select(link => link[2..link.IndexOf('>', StringComparison.Ordinal)]);
        Assert.Equal(expected, string.Join(' ', paths));
    }

    [Fact] // TD_COAP_LINK_01
    public async Task All_links_are_listed()
    {
        await using var world = await PlugtestWorld.StartAsync();
        var text = await world.DownloadAsync(".well-known/core", 2);
        foreach (var path in new[] { "</test>", "</seg1/seg2/seg3>", "</obs>;obs", "</telemetry>;ct=\"50 60 110 112\"" })
            Assert.Contains(path, text, StringComparison.Ordinal);
    }
}
