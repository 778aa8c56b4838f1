using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Insa.Iiot.LoadTest.Mqtt;

namespace Insa.Iiot.LoadTest.Tests;

public sealed class MqttGeneratorTests
{
    // A scripted peer: no real broker acknowledges wrongly.
    [Theory]
    [InlineData(new byte[] { 0x40, 2, 0, 7 })]
    [InlineData(new byte[] { 0x40, 2, 0, 1, 0x40, 2, 0, 1 })]
    [InlineData(new byte[0])]
    public async Task A_wrong_a_repeated_or_a_missing_acknowledgement_is_an_error_and_ends_the_run(byte[] answer)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = AnswerAsync(listener, answer);
        using var generator = new MqttGenerator("load-0@load", 1, 100, DateTimeOffset.UnixEpoch.AddYears(50));
        await generator.ConnectAsync(((IPEndPoint)listener.LocalEndpoint).Port);
        await generator.RunAsync(Stopwatch.GetTimestamp() + Stopwatch.Frequency);
        await serving;
        Assert.True(generator.Errors > 0);
    }

    [Fact]
    public async Task A_server_that_stays_silent_does_not_hold_the_run()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var generator = new MqttGenerator("load-0@load", 4, 100, DateTimeOffset.UnixEpoch.AddYears(50)) { Patience = TimeSpan.Zero };
        var connecting = generator.ConnectAsync(((IPEndPoint)listener.LocalEndpoint).Port);
        using var peer = await listener.AcceptSocketAsync(TestContext.Current.CancellationToken);
        await peer.SendAsync(new byte[] { 0x20, 2, 0, 0 }, TestContext.Current.CancellationToken);
        await connecting;
        await generator.RunAsync(Stopwatch.GetTimestamp() + (Stopwatch.Frequency / 5));
        Assert.Equal((0, 5), (generator.Acknowledged, generator.Errors));
    }

    private static async Task AnswerAsync(TcpListener listener, byte[] answer)
    {
        using var peer = await listener.AcceptSocketAsync(TestContext.Current.CancellationToken);
        var received = new byte[4096];
        await peer.ReceiveAsync(received, TestContext.Current.CancellationToken);
        await peer.SendAsync(new byte[] { 0x20, 2, 0, 0 }, TestContext.Current.CancellationToken);
        await peer.ReceiveAsync(received, TestContext.Current.CancellationToken);
        await peer.SendAsync(answer, TestContext.Current.CancellationToken);
        peer.Shutdown(SocketShutdown.Send);
    }
}
