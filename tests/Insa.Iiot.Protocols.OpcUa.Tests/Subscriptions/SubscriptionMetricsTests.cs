using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Diagnostics;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Subscriptions;

public sealed class SubscriptionMetricsTests
{
    [Fact]
    public void What_is_there_and_what_is_sent_and_lost_is_counted()
    {
        using var world = new SubscriptionWorld(new() { MaxRetransmissionMessages = 2 });
        using var subscriptions = Collect(world, "insa.iiot.opcua.subscriptions");
        using var items = Collect(world, "insa.iiot.opcua.monitored_items");
        using var expired = Collect(world, "insa.iiot.opcua.subscriptions.expired");
        using var sent = Collect(world, "insa.iiot.opcua.notifications");
        using var lost = Collect(world, "insa.iiot.opcua.notifications.discarded");
        using var forgotten = Collect(world, "insa.iiot.opcua.messages.discarded");
        var client = world.Connect();
        var id = client.CreateSubscription(lifetime: 6, keepAlive: 2);
        client.Delete(client.CreateSubscription());
        client.Monitor(id, "x", queueSize: 2);
        client.DeleteItems(id, client.Monitor(id, "y"));
        Assert.Equal((1, 1), (Sum(subscriptions), Sum(items)));

        for (var i = 1; i <= 5; i++)
        {
            for (var value = 0; value < 3; value++)
                world.Values.Set("x", Variant.Of(i * 10.0 + value));
            client.Next();
        }

        Assert.Equal((10, 6, 3), (Sum(sent), Sum(lost), Sum(forgotten)));
        world.Pass(1000);
        Assert.Equal((0, 0, 1), (Sum(subscriptions), Sum(items), Sum(expired)));
    }

    private static MetricCollector<long> Collect(SubscriptionWorld world, string name) => new(world.Meters, OpcUaMetrics.MeterName, name);

    private static long Sum(MetricCollector<long> collector) => collector.GetMeasurementSnapshot().Sum(measurement => measurement.Value);
}
