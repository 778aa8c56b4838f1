using System.Globalization;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Subscriptions;
using Insa.Iiot.Protocols.OpcUa.Tests.Encoding;
using Insa.Iiot.Protocols.OpcUa.Tests.Events;
using Insa.Iiot.Protocols.OpcUa.Types;
using PublishRequest = Insa.Iiot.Protocols.OpcUa.Types.PublishRequest;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Subscriptions;

/// <summary>Set IIOT_OPCUA_FUZZ to the number of requests for a long run.</summary>
public sealed class HostileRequestTests
{
    private static readonly int Requests = int.Parse(
        Environment.GetEnvironmentVariable("IIOT_OPCUA_FUZZ") ?? "20000",
        CultureInfo.InvariantCulture
    );

    private static readonly Type[] RequestTypes =
    [
        typeof(CreateSubscriptionRequest),
        typeof(ModifySubscriptionRequest),
        typeof(SetPublishingModeRequest),
        typeof(DeleteSubscriptionsRequest),
        typeof(TransferSubscriptionsRequest),
        typeof(PublishRequest),
        typeof(RepublishRequest),
        typeof(CreateMonitoredItemsRequest),
        typeof(ModifyMonitoredItemsRequest),
        typeof(SetMonitoringModeRequest),
        typeof(SetTriggeringRequest),
        typeof(DeleteMonitoredItemsRequest),
    ];

    [Fact]
    public void Whatever_is_asked_is_answered_within_the_limits()
    {
        var limits = new SubscriptionLimits
        {
            MaxSubscriptionsPerSession = 20,
            MaxItemsPerTenant = 1000,
            MaxQueuedValuesPerSubscription = 1000,
            MaxPublishRequestsPerSession = 10,
        };
        using var world = new SubscriptionWorld(limits);
        var clients = new[] { world.Connect(), world.Connect(), world.Connect("u2"), world.Connect(tenant: "other") };
        var random = new Random(2);
        var ids = new uint[8];
        for (var i = 0; i < Requests; i++)
        {
            var client = clients[random.Next(clients.Length)];
            Refresh(world, random, client, ids);
            var request =
                random.Next(10) == 0
                    ? SubscriptionClient.Items(ids[random.Next(4)], [AnyEventItem(random)])
                    : new AnyValue(random.Next()).Structure(RequestTypes[random.Next(RequestTypes.Length)]);
            var bytes = AnyStructure.Encode(request);
            Bend(random, bytes, ids);
            client.Send(request.EncodingId, bytes);
            Assert.InRange(client.WaitingRequests, 0, limits.MaxPublishRequestsPerSession);
            world.Values.Set("xyz"[random.Next(3)].ToString(), Variant.Of(random.NextDouble()));
            world.Events.Raise("area", "something", (ushort)random.Next(1, 1001));
            if (random.Next(4) == 0)
                world.Pass(50);
            while (client.Answered > 0)
                client.Take();
        }

        Assert.InRange(world.Engine.Count, 0, limits.MaxSubscriptionsPerSession * clients.Length);
    }

    private static MonitoredItemCreateRequest AnyEventItem(Random random) =>
        SubscriptionClient.Item(
            "area",
            attribute: 12,
            queueSize: (uint)random.Next(10),
            filter: random.Next(2) == 0 ? new AnyFilter(random).Make() : new AnyValue(random.Next()).Structure(typeof(EventFilter))
        );

    // Subscriptions and items that are there, so that not every request ends at an unknown id.
    private static void Refresh(SubscriptionWorld world, Random random, SubscriptionClient client, uint[] ids)
    {
        if (random.Next(50) != 0)
            return;
        client.Send(
            new CreateSubscriptionRequest
            {
                RequestHeader = SubscriptionClient.Header,
                RequestedPublishingInterval = 50,
                RequestedLifetimeCount = 100,
                RequestedMaxKeepAliveCount = 5,
                PublishingEnabled = true,
            }
        );
        var known = world.Engine.All.Select(subscription => subscription.Id).ToArray();
        if (known.Length == 0)
            return;
        var id = ids[random.Next(ids.Length / 2)] = known[random.Next(known.Length)];
        client.Send(
            SubscriptionClient.Items(
                id,
                [
                    SubscriptionClient.Item("x", queueSize: 5),
                    SubscriptionClient.Item("y", sampling: 20),
                    SubscriptionClient.Item("area", attribute: 12, queueSize: 3, filter: new AnyFilter(random).Make()),
                ]
            )
        );
        ids[ids.Length / 2 + random.Next(ids.Length / 2)] = (uint)random.Next(200);
    }

    private static void Bend(Random random, byte[] bytes, uint[] ids)
    {
        for (var changes = random.Next(8); changes > 0 && bytes.Length > 4; changes--)
        {
            var at = random.Next(bytes.Length - 3);
            if (random.Next(3) == 0)
                bytes[at] = (byte)random.Next(256);
            else
                BitConverter.TryWriteBytes(bytes.AsSpan(at), ids[random.Next(ids.Length)]);
        }
    }
}
