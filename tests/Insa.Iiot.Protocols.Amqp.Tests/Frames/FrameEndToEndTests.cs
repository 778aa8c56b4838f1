namespace Insa.Iiot.Protocols.Amqp.Tests.Frames;

public sealed class FrameEndToEndTests(BrokerFixture fixture)
{
    private const int StoreUnavailable = 1001;
    private static readonly TimeSpan Patience = FrameWorld.Patience;

    [Fact]
    public async Task A_device_is_told_when_the_store_has_its_reading_and_those_of_other_tenants_before()
    {
        await using var world = await FrameWorld.StartAsync(fixture.Broker, EndToEnd);
        world.Gate.HoldBefore();
        var plant = world.SendAsync(1);
        await world.Gate.Held.WaitAsync(Patience);
        Assert.Equal(IngestReason.None, await world.SendAsync(2, tenant: FrameWorld.Other).WaitAsync(Patience));
        Assert.False(plant.IsCompleted);
        world.Gate.Release();
        Assert.Equal(IngestReason.None, await plant.WaitAsync(Patience));
        Assert.Equal([1], await world.ReadAsync());
    }

    [Fact]
    public async Task A_device_is_told_that_the_store_refuses_its_reading()
    {
        await using var world = await FrameWorld.StartAsync(fixture.Broker, EndToEnd);
        world.Gate.Refused = FrameWorld.Plant;
        Assert.Equal(IngestReason.Unstorable, await world.SendAsync(1).WaitAsync(Patience));
        Assert.Equal(IngestReason.None, await world.SendAsync(2, tenant: FrameWorld.Other).WaitAsync(Patience));
        Assert.Single(await world.ListDeadLettersAsync());
    }

    [Fact]
    public async Task Where_no_writer_is_nobody_is_told_until_one_is()
    {
        await using var world = await FrameWorld.StartAsync(
            fixture.Broker,
            sink =>
            {
                EndToEnd(sink);
                sink.EndToEndTimeout = TimeSpan.FromSeconds(1);
            },
            startsWriter: false
        );
        var plant = world.SendAsync(1);
        await world.WaitForAdapterLogAsync(StoreUnavailable);
        Assert.False(plant.IsCompleted);
        await world.StartWriterAsync();
        Assert.Equal(IngestReason.None, await plant.WaitAsync(Patience));
        Assert.Equal(1, await world.CountAsync());
    }

    [Fact]
    public async Task An_answer_that_a_writer_could_not_give_another_gives()
    {
        await using var world = await FrameWorld.StartAsync(fixture.Broker, EndToEnd);
        world.Gate.HoldAfter();
        var plant = world.SendAsync(1);
        await world.Gate.Held.WaitAsync(Patience);
        await world.EndWriterAsync();
        Assert.False(plant.IsCompleted);
        await world.StartWriterAsync();
        Assert.Equal(IngestReason.None, await plant.WaitAsync(Patience));
        Assert.Equal(1, await world.CountAsync());
    }

    private static void EndToEnd(AmqpTelemetrySinkOptions sink) => sink.IsEndToEnd = tenant => tenant == FrameWorld.Plant;
}
