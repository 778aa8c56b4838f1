using System.Collections.Concurrent;
using System.Globalization;

namespace Insa.Iiot.Protocols.Amqp.Tests.Frames;

/// <summary>Set IIOT_KILL_CYCLES to the number of kills for a long run.</summary>
public sealed class FrameFaultTests(HarmedBroker fixture) : IClassFixture<HarmedBroker>
{
    private static readonly int Kills = int.Parse(
        Environment.GetEnvironmentVariable("IIOT_KILL_CYCLES") ?? "2",
        CultureInfo.InvariantCulture
    );

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_broker_killed_under_load_loses_nothing_that_a_device_was_told_is_stored(bool isEndToEnd)
    {
        await using var world = await FrameWorld.StartAsync(
            fixture.Broker,
            sink => sink.IsEndToEnd = isEndToEnd ? tenant => tenant == FrameWorld.Plant : null
        );
        await world.SendAsync(-1);
        await fixture.Broker.SettleQueuesAsync();
        var told = new ConcurrentQueue<int>();
        using var stop = new CancellationTokenSource();
        var next = -1;
        var devices = Enumerable.Range(0, 16).Select(_ => Task.Run(SendAsync)).ToList();
        for (var kill = 0; kill < Kills; kill++)
        {
            var before = told.Count;
            await FrameWorld.UntilAsync(() => Task.FromResult(told.Count > before + 200));
            await fixture.Broker.KillAsync();
            await fixture.Broker.StartAgainAsync();
        }

        var last = told.Count;
        await FrameWorld.UntilAsync(() => Task.FromResult(told.Count > last + 200));
        await stop.CancelAsync();
        await Task.WhenAll(devices).WaitAsync(FrameWorld.Patience);
        await world.WaitForStoredAsync(next + 2);
        await world.WaitForQueueAsync("iiot.frames.0", 0);

        // Every one was told in the end; what came twice is one row.
        Assert.Equal(next + 1, told.Count);
        Assert.Equal(Enumerable.Range(-1, next + 2).Select(n => (double)n), await world.ReadAsync());
        Assert.Equal(next + 2, await world.CountAsync());

        async Task SendAsync()
        {
            while (!stop.IsCancellationRequested)
            {
                var n = Interlocked.Increment(ref next);
                Assert.Equal(IngestReason.None, await world.SendAsync(n));
                told.Enqueue(n);
            }
        }
    }
}
