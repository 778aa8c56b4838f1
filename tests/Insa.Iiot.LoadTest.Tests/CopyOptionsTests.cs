using Insa.Iiot.LoadTest.Copy;

namespace Insa.Iiot.LoadTest.Tests;

public sealed class CopyOptionsTests
{
    [Fact]
    public void Every_option_is_read()
    {
        Assert.True(CopyOptions.TryParse("--points 5000 --rounds 2 --cases narrow,sink2 --json".Split(' '), out var options, out _));
        Assert.Equal((5000, 2, 0, true), (options.Points, options.Rounds, options.Sustained, options.Json));
        Assert.Equal(["narrow", "sink2"], options.Cases);
    }

    [Fact]
    public void Single_runs_have_a_server_without_checkpoints_and_sustained_ones_the_default_one()
    {
        Assert.True(CopyOptions.TryParse([], out var single, out _));
        Assert.Contains("autovacuum = 'off'", single.ToConfiguration());
        Assert.True(CopyOptions.TryParse(["--sustained", "20000000"], out var sustained, out _));
        Assert.Equal(["shared_buffers = '1GB'"], sustained.ToConfiguration());
    }

    [Fact]
    public void A_setting_that_is_given_counts_more_than_ours()
    {
        Assert.True(CopyOptions.TryParse("--set shared_buffers=4GB --set autovacuum=on".Split(' '), out var options, out _));
        Assert.Contains("shared_buffers = '4GB'", options.ToConfiguration());
        Assert.Contains("autovacuum = 'on'", options.ToConfiguration());
    }

    [Theory]
    [InlineData("--points 10")]
    [InlineData("--sustained 1000")]
    [InlineData("--cases wide")]
    [InlineData("--set shared_buffers")]
    [InlineData("--set a=b'c")]
    [InlineData("--store sqlite")]
    public void A_wrong_option_is_named_in_the_error(string arguments)
    {
        var args = arguments.Split(' ');
        Assert.False(CopyOptions.TryParse(args, out _, out var error));
        Assert.Contains(args[0], error, StringComparison.Ordinal);
    }
}
