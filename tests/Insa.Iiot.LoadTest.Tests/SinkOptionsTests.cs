using Insa.Iiot.LoadTest.Amqp;

namespace Insa.Iiot.LoadTest.Tests;

public sealed class SinkOptionsTests
{
    [Fact]
    public void Every_option_is_read()
    {
        string[] args =
        [
            .. "--devices 64 --points 5 --tenants 2 --partitions 3 --seconds 4 --rounds 6 --rate 1000 --store postgres --end-to-end".Split(
                ' '
            ),
        ];
        Assert.True(SinkOptions.TryParse(args, out var options, out _));
        Assert.Equal((64, 5, 2, 3), (options.Devices, options.Points, options.Tenants, options.Partitions));
        Assert.Equal((4, 6, 1000, "postgres", true), (options.Seconds, options.Rounds, options.Rate, options.Store, options.EndToEnd));
    }

    [Theory]
    [InlineData("--partitions", "65")]
    [InlineData("--store", "sqlite")]
    [InlineData("--devices", "0")]
    [InlineData("--seconds", "")]
    public void What_cannot_be_meant_is_named(string name, string value)
    {
        Assert.False(SinkOptions.TryParse([name, value], out _, out var error));
        Assert.Contains(name, error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_message_has_another_time_each_time_and_is_json()
    {
        var message = new SinkMessage(7, 3, 1_700_000_000_000);
        Assert.Equal("""{"timestamp":1700000000001,"data":{"m0":7,"m1":7.25,"m2":7.5}}"""u8.ToArray(), message.Next().ToArray());
        Assert.Equal("""{"timestamp":1700000000002,"data":{"m0":7,"m1":7.25,"m2":7.5}}"""u8.ToArray(), message.Next().ToArray());
    }
}
