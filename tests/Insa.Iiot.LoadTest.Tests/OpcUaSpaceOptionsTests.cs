using Insa.Iiot.LoadTest.OpcUa;

namespace Insa.Iiot.LoadTest.Tests;

public sealed class OpcUaSpaceOptionsTests
{
    [Fact]
    public void What_is_said_is_taken()
    {
        Assert.True(
            OpcUaSpaceOptions.TryParse(
                ["--devices", "100", "--metrics", "5", "--store", "postgres", "--rounds", "2", "--json"],
                out var options,
                out _
            )
        );
        Assert.Equal((100, 5, "postgres", 2, true), (options.Devices, options.Metrics, options.Store, options.Rounds, options.Json));
    }

    [Theory]
    [InlineData("--devices", "0")]
    [InlineData("--metrics", "1001")]
    [InlineData("--store", "null")]
    [InlineData("--policy", "None")]
    [InlineData("--rounds")]
    public void What_is_no_option_is_refused(params string[] args)
    {
        Assert.False(OpcUaSpaceOptions.TryParse(args, out _, out var error));
        Assert.Contains(args[0], error, StringComparison.Ordinal);
    }
}
