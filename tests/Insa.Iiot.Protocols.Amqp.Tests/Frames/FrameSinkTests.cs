using System.Diagnostics.Metrics;
using Insa.Iiot.Protocols.Amqp.Frames;
using Insa.Iiot.Protocols.Amqp.Topology;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using RabbitMQ.Client;

namespace Insa.Iiot.Protocols.Amqp.Tests.Frames;

public sealed class FrameSinkTests(BrokerFixture fixture)
{
    private static readonly TimeSpan Patience = FrameWorld.Patience;

    [Fact]
    public async Task What_one_host_takes_another_stores()
    {
        await using var world = await FrameWorld.StartAsync(fixture.Broker);
        var time = DateTime.UtcNow.Date.AddDays(-1);
        var json = $$$"""
            {"timestamp":"{{{time:O}}}","data":{"temp":21.5,"on":true,"state":"läuft","list":[1,2],"n":7}}
            """;
        Assert.Equal(IngestReason.None, await world.SendAsync(json).WaitAsync(Patience));
        await world.WaitForStoredAsync(5);
        var points = new Dictionary<string, TelemetryPoint>();
        var query = new TelemetryQuery { Device = DeviceId.Parse("press") };
        await foreach (var point in world.Writer.GetRequiredService<ITelemetryReader>().ReadAsync(FrameWorld.Plant, query))
            points.Add(point.Metric, point);
        Assert.Equal(5, points.Count);
        Assert.All(points.Values, point => Assert.Equal(time, point.Timestamp));
        Assert.Equal(TelemetryValue.Of(21.5), points["temp"].Value);
        Assert.Equal(TelemetryValue.Of(true), points["on"].Value);
        Assert.Equal("läuft", points["state"].Value.AsText());
        await world.WaitForQueueAsync("iiot.frames.0", 0);
    }

    [Fact]
    public async Task A_device_is_told_when_the_broker_has_its_reading_and_the_store_may_be_away()
    {
        await using var world = await FrameWorld.StartAsync(fixture.Broker, startsWriter: false);
        for (var i = 0; i < 100; i++)
            Assert.Equal(
                IngestReason.None,
                await world.SendAsync(i, tenant: i % 2 == 0 ? FrameWorld.Plant : FrameWorld.Other).WaitAsync(Patience)
            );
        await world.StartWriterAsync();
        await world.WaitForStoredAsync(50);
        await world.WaitForStoredAsync(50, FrameWorld.Other);
        Assert.Equal(Enumerable.Range(0, 50).Select(i => i * 2.0), await world.ReadAsync());
        Assert.Equal(Enumerable.Range(0, 50).Select(i => (i * 2.0) + 1), await world.ReadAsync(tenant: FrameWorld.Other));
    }

    [Fact]
    public async Task The_broker_keeps_what_is_not_committed()
    {
        await using var world = await FrameWorld.StartAsync(fixture.Broker);
        world.Gate.HoldBefore();
        Assert.Equal(IngestReason.None, await world.SendAsync(1).WaitAsync(Patience));
        await world.Gate.Held.WaitAsync(Patience);
        await world.WaitForQueueAsync("iiot.frames.0", 1);
        world.Gate.Release();
        await world.WaitForQueueAsync("iiot.frames.0", 0);
        Assert.Equal(1, await world.CountAsync());
    }

    [Fact]
    public async Task Another_writer_takes_over_and_what_comes_again_makes_no_second_row()
    {
        await using var world = await FrameWorld.StartAsync(fixture.Broker);
        world.Gate.HoldAfter();
        for (var i = 0; i < 50; i++)
            Assert.Equal(IngestReason.None, await world.SendAsync(i).WaitAsync(Patience));
        await world.Gate.Held.WaitAsync(Patience);
        await world.EndWriterAsync();
        await world.StartWriterAsync();
        await world.WaitForStoredAsync(50);
        await world.WaitForQueueAsync("iiot.frames.0", 0);
        Assert.Equal(50, await world.CountAsync());
        Assert.Equal(Enumerable.Range(0, 50).Select(i => (double)i), await world.ReadAsync());
    }

    [Fact]
    public async Task A_writer_that_stands_by_takes_over_in_order()
    {
        await using var world = await FrameWorld.StartAsync(fixture.Broker);
        await world.StartWriterAsync();
        using var stop = new CancellationTokenSource();
        var sending = Task.Run(async () =>
        {
            var sent = 0;
            for (; !stop.IsCancellationRequested; sent++)
                Assert.Equal(IngestReason.None, await world.SendAsync(sent));
            return sent;
        });
        await world.WaitForStoredAsync(100);
        await world.EndWriterAsync();
        var before = await world.CountAsync();
        await world.WaitForStoredAsync((int)before + 100);
        await stop.CancelAsync();
        var all = await sending.WaitAsync(Patience);
        await world.WaitForStoredAsync(all);
        await world.WaitForQueueAsync("iiot.frames.0", 0);
        Assert.Equal(Enumerable.Range(0, all).Select(i => (double)i), await world.ReadAsync());
        Assert.Equal(all, await world.CountAsync());
    }

    [Fact]
    public async Task Devices_are_spread_over_partitions_and_each_stays_in_its_own()
    {
        await using var world = await FrameWorld.StartAsync(
            fixture.Broker,
            sink => sink.Partitions = 4,
            frames => frames.Partitions = 4,
            startsWriter: false
        );
        var devices = Enumerable.Range(0, 40).Select(i => $"press-{i}").ToList();
        var told = await Task.WhenAll(devices.SelectMany(device => Enumerable.Range(0, 5).Select(n => world.SendAsync(n, device))))
            .WaitAsync(Patience);
        Assert.All(told, reason => Assert.Equal(IngestReason.None, reason));
        var partitions = devices.Select(device => FramePartition.Of(FrameWorld.Plant, DeviceId.Parse(device), 4)).ToHashSet();
        Assert.Equal(4, partitions.Count);
        await world.StartWriterAsync();
        await world.WaitForStoredAsync(200);
        foreach (var device in devices)
            Assert.Equal([0, 1, 2, 3, 4], await world.ReadAsync(device));
        for (var i = 0; i < 4; i++)
            await world.WaitForQueueAsync($"iiot.frames.{i}", 0);
    }

    [Fact]
    public void A_partition_is_the_same_for_ever() =>
        Assert.Equal(
            [5, 1, 40],
            new[] { "press", "pump", "saw" }.Select(device => FramePartition.Of(FrameWorld.Plant, DeviceId.Parse(device), 64))
        );

    [Fact]
    public async Task Frames_of_a_forger_are_refused_and_nobody_else_is_affected()
    {
        await using var world = await FrameWorld.StartAsync(fixture.Broker);
        using var refused = new MetricCollector<long>(
            world.Writer.GetRequiredService<IMeterFactory>(),
            "Insa.Iiot.Protocols.Amqp",
            "insa.iiot.amqp.refusals"
        );
        await world.AddUserAsync("mallory", "secret");
        await using (var connection = await world.ConnectAsync("mallory", "secret"))
        {
            var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true));
            await PublishAsync(channel, "mallory");
            await PublishAsync(channel, null);
            await PublishAsync(channel, "mallory", "frames.0.other");

            // The broker itself knows who is logged in.
            await Assert.ThrowsAnyAsync<Exception>(() => PublishAsync(channel, "guest"));
            Assert.Equal<int?>(Constants.PreconditionFailed, channel.CloseReason?.ReplyCode);
        }

        Assert.Equal(IngestReason.None, await world.SendAsync(1).WaitAsync(Patience));
        await world.WaitForStoredAsync(1);
        await world.WaitForQueueAsync(TelemetryTopology.DeadLetters, 3);
        Assert.Equal([1], await world.ReadAsync());
        Assert.Equal(0, await world.CountAsync(FrameWorld.Other));
        Assert.Equal(3, refused.GetMeasurementSnapshot().Count(one => (string?)one.Tags["reason"] == "untrusted_user"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Users_with_few_rights_are_enough(bool isEndToEnd)
    {
        await using var world = await FrameWorld.StartAsync(
            fixture.Broker,
            sink => sink.IsEndToEnd = isEndToEnd ? _ => true : null,
            hasUsers: true
        );
        Assert.Equal(IngestReason.None, await world.SendAsync(1).WaitAsync(Patience));
        await world.WaitForStoredAsync(1);
    }

    [Fact]
    public async Task What_a_trusted_host_sends_and_cannot_be_read_is_kept_and_what_comes_after_it_is_stored()
    {
        await using var world = await FrameWorld.StartAsync(fixture.Broker);
        await using (var connection = await world.ConnectAsync("guest", "guest"))
        {
            var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true));
            await PublishAsync(channel, "guest");
            await PublishAsync(channel, "guest", "frames.0.Not a tenant");
            await PublishAsync(channel, "guest", "frames.0.plant", "text/html");
        }

        Assert.Equal(IngestReason.None, await world.SendAsync(1).WaitAsync(Patience));
        await world.WaitForStoredAsync(1);

        // The first is its tenant's dead letter; nobody else could keep the others.
        await world.WaitForQueueAsync(TelemetryTopology.DeadLetters, 2);
        await FrameWorld.UntilAsync(async () => (await world.ListDeadLettersAsync()).Count > 0);
        await world.WaitForQueueAsync("iiot.frames.0", 0);
        var kept = Assert.Single(await world.ListDeadLettersAsync());
        Assert.Equal((IngestReason.Malformed, FrameFormat.MediaType), (kept.Reason, kept.MediaType));
    }

    [Fact]
    public async Task A_frame_that_the_store_refuses_is_a_dead_letter_of_its_tenant_and_the_message_is_done()
    {
        await using var world = await FrameWorld.StartAsync(fixture.Broker);
        world.Gate.Refused = FrameWorld.Plant;
        Assert.Equal(IngestReason.None, await world.SendAsync(1).WaitAsync(Patience));
        Assert.Equal(IngestReason.None, await world.SendAsync(2, tenant: FrameWorld.Other).WaitAsync(Patience));
        await world.WaitForStoredAsync(1, FrameWorld.Other);
        await FrameWorld.UntilAsync(async () => (await world.ListDeadLettersAsync()).Count > 0);
        await world.WaitForQueueAsync("iiot.frames.0", 0);
        await world.WaitForQueueAsync(TelemetryTopology.DeadLetters, 0);
        Assert.Single(await world.ListDeadLettersAsync());
    }

    [Fact]
    public async Task A_frame_too_large_for_a_message_is_refused_and_its_device_told()
    {
        await using var world = await FrameWorld.StartAsync(fixture.Broker, sink => (sink.MessageBytes, sink.MaxFrameBytes) = (4096, 8192));
        var large = world.SendAsync($$$"""{"data":{"text":"{{{new string('x', 9000)}}}"}}""");
        var small = world.SendAsync(1);
        Assert.Equal(IngestReason.MessageTooLarge, await large.WaitAsync(Patience));
        Assert.Equal(IngestReason.None, await small.WaitAsync(Patience));
        await world.WaitForStoredAsync(1);
    }

    private static Task PublishAsync(
        IChannel channel,
        string? user,
        string key = "frames.0.plant",
        string contentType = FrameFormat.MediaType
    ) =>
        channel
            .BasicPublishAsync(
                FrameTopology.Exchange,
                key,
                mandatory: true,
                new BasicProperties { ContentType = contentType, UserId = user },
                "IIFR\u0001 and then not frames"u8.ToArray()
            )
            .AsTask();
}
