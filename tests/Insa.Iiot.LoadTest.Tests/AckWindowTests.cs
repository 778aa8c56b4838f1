using Insa.Iiot.LoadTest.Mqtt;

namespace Insa.Iiot.LoadTest.Tests;

public sealed class AckWindowTests
{
    private readonly AckWindow _window = new();

    [Fact]
    public void Acknowledgements_in_order_count_and_half_of_one_is_left()
    {
        _window.Open(now: 10);
        _window.Open(now: 10);
        Assert.True(_window.TryRead([0x40, 2, 0, 1, 0x40, 2], now: 17, out var read));
        Assert.Equal((4, 1, 1, 7), (read, _window.Acknowledged, _window.InFlight, _window.Latency.Quantile(1)));
    }

    [Theory]
    [InlineData(0x40, 2, 0, 2)]
    [InlineData(0x40, 2, 0, 9)]
    [InlineData(0x40, 3, 0, 1)]
    [InlineData(0xD0, 0, 0, 1)]
    public void Another_id_or_packet_than_the_oldest_is_refused(byte type, byte length, byte high, byte low)
    {
        _window.Open(now: 0);
        _window.Open(now: 0);
        Assert.False(_window.TryRead([type, length, high, low], now: 1, out _));
        Assert.Equal((0, 2), (_window.Acknowledged, _window.InFlight));
    }

    [Fact]
    public void An_acknowledgement_is_not_due_twice_nor_before_its_message()
    {
        _window.Open(now: 0);
        Assert.False(_window.TryRead([0x40, 2, 0, 1, 0x40, 2, 0, 1], now: 1, out _));
        Assert.False(_window.TryRead([0x40, 2, 0, 2], now: 1, out _));
        Assert.Equal(1, _window.Acknowledged);
    }

    [Fact]
    public void Ids_go_around_without_zero()
    {
        ushort last = 0;
        for (var i = 0; i < ushort.MaxValue; i++)
            last = _window.Open(now: 0);
        Assert.Equal((ushort.MaxValue, 1), (last, _window.Open(now: 0)));
    }
}
