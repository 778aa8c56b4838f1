using System.Diagnostics.Metrics;
using System.Reflection;
using System.Text;
using Insa.Iiot.Protocols.Amqp.Diagnostics;
using Insa.Iiot.Protocols.Amqp.Telemetry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using RabbitMQ.Client;

namespace Insa.Iiot.Protocols.Amqp.Tests;

/// <summary>The consumer with a scripted pipeline, for what no real one will do at the right moment.</summary>
public sealed class ConsumerTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly byte[] Reading = """{"data":{"n":1}}"""u8.ToArray();

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly FakeTimeProvider _time = new();
    private readonly ScriptedIngress _ingress = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly IChannel _channel = DispatchProxy.Create<IChannel, RecordingChannel>();

    private RecordingChannel Recorded => (RecordingChannel)(object)_channel;

    public void Dispose()
    {
        _stop.Dispose();
        _services.Dispose();
    }

    [Fact]
    public async Task Behind_a_message_that_was_given_up_nothing_is_acknowledged()
    {
        var consumer = await ConsumerAsync();
        _ingress.Always = IngestReceipt.Throttled(IngestReason.RateLimited, TimeSpan.FromSeconds(1));
        var held = DeliverAsync(consumer, 1);
        await _stop.CancelAsync();
        await held.WaitAsync(Patience);
        _ingress.Always = null;
        await DeliverAsync(consumer, 2);
        await consumer.WhenSettledAsync().WaitAsync(Patience);
        Assert.Empty(Recorded.Calls);
        Assert.True(consumer.Ended.IsCompleted);
    }

    [Fact]
    public async Task A_message_that_breaks_the_pipeline_ends_the_channel_and_is_a_dead_letter_in_the_end()
    {
        var memory = Memory();
        for (var i = 0; i < 3; i++)
        {
            var consumer = await ConsumerAsync(memory, deliveryLimit: 3);
            _ingress.Throws = true;
            await DeliverAsync(consumer, 1, isRedelivered: i > 0);
            Assert.Equal(nameof(InvalidOperationException), await consumer.Ended.WaitAsync(Patience));
        }

        Assert.Empty(Recorded.Calls);
        var last = await ConsumerAsync(memory, deliveryLimit: 3);
        await DeliverAsync(last, 1, isRedelivered: true);
        await last.WhenSettledAsync().WaitAsync(Patience);
        Assert.Equal(["reject 1"], Recorded.Calls);
    }

    [Fact]
    public async Task A_message_that_is_held_back_for_too_long_is_given_back_before_the_broker_takes_it()
    {
        var consumer = await ConsumerAsync();
        _ingress.Always = IngestReceipt.Rejected(IngestReason.TenantInactive);
        var held = DeliverAsync(consumer, 1);
        for (var i = 0; i < 2000 && !held.IsCompleted; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        while (!held.IsCompleted)
            _time.Advance(TimeSpan.FromSeconds(1));
        await held.WaitAsync(Patience);
        Assert.True(consumer.WasHeldTooLong);
        Assert.Empty(Recorded.Calls);
    }

    [Fact]
    public async Task A_probe_ends_with_the_first_message_that_is_taken()
    {
        var consumer = await ConsumerAsync(isProbe: true);
        await DeliverAsync(consumer, 1);
        Assert.Equal("there is room again", await consumer.Ended.WaitAsync(Patience));
        await DeliverAsync(consumer, 2);
        await consumer.WhenSettledAsync().WaitAsync(Patience);
        Assert.Equal(["ack 1"], Recorded.Calls);
        Assert.True(consumer.HasTaken);
    }

    [Fact]
    public async Task An_acknowledgement_that_cannot_be_written_ends_the_channel()
    {
        Recorded.Fails = true;
        var consumer = await ConsumerAsync();
        await DeliverAsync(consumer, 1);
        await consumer.WhenSettledAsync().WaitAsync(Patience);
        Assert.Equal(nameof(InvalidOperationException), await consumer.Ended.WaitAsync(Patience));
    }

    [Fact]
    public async Task What_is_refused_is_counted_with_its_tenant()
    {
        var factory = _services.GetRequiredService<IMeterFactory>();
        using var refusals = new MetricCollector<long>(factory, "Insa.Iiot.Protocols.Amqp", "insa.iiot.amqp.refusals");
        var consumer = await ConsumerAsync();
        await consumer.HandleBasicDeliverAsync("c", 1, false, "", "elsewhere", new BasicProperties(), Reading);
        await consumer.WhenSettledAsync().WaitAsync(Patience);
        var counted = Assert.Single(refusals.GetMeasurementSnapshot());
        Assert.Equal("plant", counted.Tags["tenant"]);
        Assert.Equal("bad_routing_key", counted.Tags["reason"]);
        Assert.Equal(["reject 1"], Recorded.Calls);
    }

    private static Task DeliverAsync(TelemetryConsumer consumer, ulong tag, bool isRedelivered = false) =>
        consumer.HandleBasicDeliverAsync("c", tag, isRedelivered, "", "telemetry.press", new BasicProperties(), Reading);

    private ConsumerContext Context() =>
        new(
            _ingress,
            DispatchProxy.Create<IDeviceRegistry, AnyDevice>(),
            new NoReplies(),
            new AmqpMetrics(_services.GetRequiredService<IMeterFactory>()),
            _time,
            NullLogger<AmqpService>.Instance
        );

    private QueueMemory Memory() => new(Binding(20), Context());

    private async Task<TelemetryConsumer> ConsumerAsync(QueueMemory? memory = null, int deliveryLimit = 20, bool isProbe = false)
    {
        memory ??= Memory();
        await memory.Source.ReadSenderAsync("press", default);
        return new TelemetryConsumer(Context(), Binding(deliveryLimit), 16, memory, _channel, _stop.Token) { IsProbe = isProbe };
    }

    private static TelemetryBinding Binding(int deliveryLimit) =>
        TelemetryBinding.Of(
            new AmqpTelemetryBinding
            {
                Queue = "q",
                Tenant = AmqpWorld.Plant,
                DeliveryLimit = deliveryLimit,
            },
            "/"
        );

    private sealed class NoReplies : IReplies
    {
        public void Offer(ReplyAddress address, IngestReason reason) { }
    }
}
