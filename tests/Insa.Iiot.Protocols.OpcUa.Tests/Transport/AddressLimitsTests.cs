using System.Diagnostics;
using System.Net;
using Insa.Iiot.Protocols.OpcUa.Transport;
using Microsoft.Extensions.Time.Testing;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Transport;

public sealed class AddressLimitsTests
{
    private static readonly IPAddress One = IPAddress.Parse("192.0.2.1");
    private static readonly IPAddress Other = IPAddress.Parse("192.0.2.2");

    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void An_address_has_so_many_connections_and_others_have_theirs()
    {
        var limits = new AddressLimits(2, 1000, _time);
        Assert.True(limits.TryEnter(One) && limits.TryEnter(One));
        Assert.False(limits.TryEnter(One));
        Assert.True(limits.TryEnter(Other));
        limits.Leave(One);
        Assert.True(limits.TryEnter(One));
    }

    [Fact]
    public void Connections_come_no_faster_than_they_may()
    {
        var limits = new AddressLimits(1000, 5, _time);
        Assert.Equal(10, Taken(limits, One, 100));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(5, Taken(limits, One, 100));
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(10, Taken(limits, One, 100));
        Assert.Equal(10, Taken(limits, Other, 100));
    }

    [Theory]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    public void Addresses_that_one_machine_can_have_are_one(string first, string second, bool areOne)
    {
        var limits = new AddressLimits(1, 1000, _time);
        Assert.True(limits.TryEnter(IPAddress.Parse(first)));
        Assert.Equal(!areOne, limits.TryEnter(IPAddress.Parse(second)));
    }

    [Fact]
    public void Addresses_that_have_gone_are_forgotten_when_they_may_begin_anew()
    {
        var limits = new AddressLimits(10, 5, _time);
        for (var i = 0; i < 1000; i++)
        {
            var address = new IPAddress([10, 0, (byte)(i >> 8), (byte)i]);
            limits.TryEnter(address);
            limits.Leave(address);
        }

        limits.TryEnter(One);
        limits.Sweep();
        Assert.Equal(1001, limits.Count);
        _time.Advance(TimeSpan.FromSeconds(1));
        limits.Sweep();
        Assert.Equal(1, limits.Count);
    }

    [Fact]
    public void What_comes_by_no_network_is_not_limited() => Assert.Equal(100, Taken(new AddressLimits(1, 1, _time), null, 100));

    [Fact]
    public async Task Who_is_one_too_many_is_closed_and_counted_and_the_others_stay()
    {
        await using var host = await OpcUaHost.StartAsync(options =>
        {
            options.AllowUnsecured = true;
            options.MaxConnectionsPerAddress = 2;
        });
        await using var first = await TestChannel.OpenAsync(host);
        await first.SignInAsync();
        await using (var second = await TestChannel.OpenAsync(host))
        {
            await using var third = new TestChannel();
            await third.ConnectAsync(host.Endpoint);
            await third.ReadToEndAsync();
            await first.CreateSessionAsync();
        }

        // The place is free when the server has seen that the client is gone.
        await using var fourth = await OpenAsync(host);
        await fourth.SignInAsync();
    }

    private static async Task<TestChannel> OpenAsync(OpcUaHost host)
    {
        var deadline = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                return await TestChannel.OpenAsync(host);
            }
            catch (IOException) when (deadline.Elapsed < TimeSpan.FromSeconds(20))
            {
                await Task.Yield();
            }
        }
    }

    private static int Taken(AddressLimits limits, IPAddress? address, int tries) =>
        Enumerable.Range(0, tries).Count(_ => limits.TryEnter(address));
}
