using Insa.Iiot.LoadTest.Amqp;

namespace Insa.Iiot.LoadTest.Tests;

public sealed class ConsumeOptionsTests
{
    [Fact]
    public void Every_option_is_read()
    {
        string[] args =
        [
            .. "--messages 512 --classic --prefetch 9 --queues 2 --rounds 3 --payload 70 --store sqlite --compare bare --json".Split(' '),
        ];
        Assert.True(ConsumeOptions.TryParse(args, out var options, out _));
        Assert.Equal((512, 9, 2, 3, 70), (options.Messages, options.Prefetch, options.Queues, options.Rounds, options.Payload));
        Assert.Equal(("sqlite", true, true, true), (options.Store, options.ComparesBare, options.Json, options.IsClassic));
        Assert.True(ConsumeOptions.TryParse([.. "--seconds 2".Split(' ')], out options, out _));
        Assert.Equal(40_000, options.Messages);
    }

    [Theory]
    [InlineData("--queues 0")]
    [InlineData("--seconds")]
    [InlineData("--store mysql")]
    [InlineData("--compare mosquitto")]
    [InlineData("--prefetch 65536")]
    [InlineData("stray")]
    public void A_wrong_option_is_named_in_the_error(string arguments)
    {
        var args = arguments.Split(' ');
        Assert.False(ConsumeOptions.TryParse(args, out _, out var error));
        Assert.Contains(args[0], error, StringComparison.Ordinal);
    }
}
