using System.Collections.Concurrent;
using Insa.Iiot.Protocols.Amqp.Publishing;

namespace Insa.Iiot.Protocols.Amqp.Tests;

public sealed class PublisherFaultTests(HarmedBroker fixture) : IClassFixture<HarmedBroker>
{
    [Fact]
    public async Task A_broker_killed_in_the_middle_has_all_that_it_confirmed_and_the_rest_has_failed()
    {
        await using var world = PublisherWorld.Make(fixture.Broker.Uri, window: 64);
        await world.PublishAsync("first");
        await fixture.Broker.SettleQueuesAsync();
        var confirmed = new ConcurrentQueue<string>();
        var failed = new ConcurrentQueue<PublishFailure>();
        using var stop = new CancellationTokenSource();
        var many = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var callers = Enumerable.Range(0, 8).Select(caller => Task.Run(() => PublishAsync(caller))).ToList();
        await many.Task;
        await fixture.Broker.KillAsync();
        await world.WaitForLogAsync(4002);
        await stop.CancelAsync();
        await fixture.Broker.StartAgainAsync();
        await Task.WhenAll(callers);
        await world.PublishAsync("last");

        var found = (await world.TakeAllAsync()).ToHashSet(StringComparer.Ordinal);
        Assert.Contains("last", found);
        Assert.Subset(found, confirmed.ToHashSet(StringComparer.Ordinal));
        Assert.All(failed, failure => Assert.Equal(PublishFailure.Unavailable, failure));

        async Task PublishAsync(int caller)
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                var name = $"{caller}.{i}";
                if (await PublisherWorld.OutcomeAsync(world.PublishAsync(name)) is { } failure)
                    failed.Enqueue(failure);
                else
                    confirmed.Enqueue(name);
                if (confirmed.Count > 500)
                    many.TrySetResult();
            }
        }
    }

    [Fact]
    public async Task An_alarm_holds_publishers_back_and_its_end_lets_all_go_on()
    {
        await using var world = PublisherWorld.Make(fixture.Broker.Uri);
        await world.PublishAsync("before");
        await fixture.Broker.ControlAsync("set_vm_memory_high_watermark", "0.0000001");
        var held = world.PublishAsync("held");
        await world.WaitForLogAsync(4006);
        Assert.Equal(1, world.Blocked.GetMeasurementSnapshot().Sum(one => one.Value));
        var behind = Enumerable.Range(0, 20).Select(i => world.PublishAsync($"behind{i}")).ToList();
        await fixture.Broker.ControlAsync("set_vm_memory_high_watermark", "0.4");
        await held;
        await Task.WhenAll(behind);
        await world.WaitForLogAsync(4011);
        Assert.Equal(22, (await world.TakeAllAsync()).Count);
        Assert.Equal(1, world.CountOfLog(4006));
        Assert.Equal(0, world.Blocked.GetMeasurementSnapshot().Sum(one => one.Value));
    }

    [Fact]
    public async Task An_alarm_that_lasts_fails_publishes_in_their_time_and_keeps_the_connection()
    {
        await using var world = PublisherWorld.Make(fixture.Broker.Uri, TimeSpan.FromSeconds(2));
        await world.PublishAsync("before");
        await fixture.Broker.ControlAsync("set_vm_memory_high_watermark", "0.0000001");
        Assert.Equal(PublishFailure.Unavailable, await PublisherWorld.OutcomeAsync(world.PublishAsync("sent")));
        Assert.Equal(PublishFailure.Unavailable, await PublisherWorld.OutcomeAsync(world.PublishAsync("waiting")));
        await fixture.Broker.ControlAsync("set_vm_memory_high_watermark", "0.4");
        await world.WaitForLogAsync(4011);
        await world.PublishAsync("after");
        Assert.Equal(0, world.CountOfLog(4002));
        var found = await world.TakeAllAsync();
        Assert.DoesNotContain("waiting", found);
        Assert.Contains("after", found);
    }
}
