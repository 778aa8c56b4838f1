namespace Insa.Iiot.LoadTest.Tests;

public sealed class LoadOptionsTests
{
    [Fact]
    public void Every_option_is_read()
    {
        string[] args = [.. "--qos 1 --connections 200 --inflight 1 --seconds 9 --rounds 2 --payload 128".Split(' '), .. Rest];
        Assert.True(LoadOptions.TryParse(args, out var options, out _));
        Assert.Equal((200, 1, 9, 2, 128), (options.Connections, options.InFlight, options.Seconds, options.Rounds, options.Payload));
        Assert.Equal(
            ("sqlite", true, 500, true, true),
            (options.Store, options.CompareMosquitto, options.Rate, options.Flood, options.Json)
        );
    }

    [Theory]
    [InlineData("--qos 2")]
    [InlineData("--connections 0")]
    [InlineData("--connections")]
    [InlineData("--inflight 65536")]
    [InlineData("--seconds -1")]
    [InlineData("--seconds 1.5")]
    [InlineData("--payload 10")]
    [InlineData("--store oracle")]
    [InlineData("--compare emqx")]
    [InlineData("--unknown 1")]
    [InlineData("stray")]
    public void A_wrong_option_is_named_in_the_error(string arguments)
    {
        var args = arguments.Split(' ');
        Assert.False(LoadOptions.TryParse(args, out _, out var error));
        Assert.Contains(args[0], error, StringComparison.Ordinal);
    }

    private static string[] Rest => "--store sqlite --compare mosquitto --rate 500 --flood --json".Split(' ');
}
