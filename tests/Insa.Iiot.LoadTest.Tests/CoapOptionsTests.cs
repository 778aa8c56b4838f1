using Insa.Iiot.LoadTest.Coap;

namespace Insa.Iiot.LoadTest.Tests;

public sealed class CoapOptionsTests
{
    [Fact]
    public void Every_option_is_read()
    {
        string[] args = [.. "--endpoints 512 --non --seconds 9 --rounds 2 --store sqlite --compare libcoap --json".Split(' ')];
        Assert.True(CoapOptions.TryParse(args, out var options, out _));
        Assert.Equal((512, false, 9, 2), (options.Endpoints, options.IsConfirmable, options.Seconds, options.Rounds));
        Assert.Equal(("sqlite", true, true), (options.Store, options.CompareLibcoap, options.Json));
        Assert.True(CoapOptions.TryParse([.. "--transport tls --inflight 64".Split(' ')], out options, out _));
        Assert.Equal(("tls", 64, true), (options.Transport, options.InFlight, options.IsStream));
    }

    [Theory]
    [InlineData("--endpoints 0")]
    [InlineData("--seconds")]
    [InlineData("--store postgres")]
    [InlineData("--compare aiocoap")]
    [InlineData("--transport quic")]
    [InlineData("--security psk --transport tls")]
    [InlineData("--inflight 8")]
    [InlineData("stray")]
    public void A_wrong_option_is_named_in_the_error(string arguments)
    {
        var args = arguments.Split(' ');
        Assert.False(CoapOptions.TryParse(args, out _, out var error));
        Assert.Contains(args[0], error, StringComparison.Ordinal);
    }
}
