using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Security;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Types;
using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Subscriptions;

/// <summary>As much at once as the profile Standard 2017 UA Server asks for (OPC 10000-7), over connections that are signed and encrypted.</summary>
[CollectionDefinition(nameof(StandardProfileTests), DisableParallelization = true)]
[Collection(nameof(StandardProfileTests))]
public sealed class StandardProfileTests
{
    private const int Sessions = 50;
    private const int Subscribing = 25;
    private const int SubscriptionsEach = 5;
    private const int ItemsEach = 500;
    private const int PublishesEach = 10;

    private static readonly TenantId Acme = TenantId.Parse("acme");
    private static readonly DeviceId Press = DeviceId.Parse("press-1");

    [Fact]
    public async Task Fifty_sessions_of_certificates_and_62500_items_get_every_change()
    {
        await using var host = await OpcUaHost.StartAsync();
        host.Registry.Add(Acme, new Device { Id = Press });
        var before = TimeProvider.System.GetUtcNow().UtcDateTime.AddMinutes(-1);
        for (var i = 0; i < ItemsEach; i++)
            host.Latest.Add(Acme, Press, new TelemetryPoint(MetricOf(i), before, TelemetryValue.Of((double)i), default));

        var clients = new List<TestChannel>();
        try
        {
            for (var i = 0; i < Sessions; i++)
                clients.Add(await SignInAsync(host));
            Assert.Equal(Sessions, host.Services.GetRequiredService<SessionTable>().All.Count(session => session.IsActivated));

            var empty = GC.GetTotalMemory(forceFullCollection: true);
            foreach (var client in clients.Take(Subscribing))
                await SubscribeAsync(client);
            foreach (var client in clients.Take(Subscribing))
                Assert.Equal(SubscriptionsEach, await ExpectAsync(client, Numbers(0)));
            var perItem = (GC.GetTotalMemory(forceFullCollection: true) - empty) / (double)(Subscribing * SubscriptionsEach * ItemsEach);

            // With what is kept of a message that is not acknowledged yet.
            TestContext.Current.TestOutputHelper?.WriteLine($"{perItem:F0} bytes per item");
            Assert.InRange(perItem, 0, 1000);

            foreach (var client in clients.Take(Subscribing))
                await PublishAsync(client, PublishesEach);
            await CommitAsync(host, 1000);
            var left = new Queue<int>();
            foreach (var client in clients.Take(Subscribing))
                left.Enqueue(PublishesEach - await ExpectAsync(client, Numbers(1000)));

            foreach (var client in clients)
                Assert.Equal(1000, await ReadAsync(client));
            foreach (var client in clients.Take(Subscribing))
                await CloseAsync(client, left.Dequeue());
        }
        finally
        {
            foreach (var client in clients)
                await client.DisposeAsync();
        }

        Assert.DoesNotContain(
            host.Logs.Collector.GetSnapshot(),
            record =>
                record.Level >= Microsoft.Extensions.Logging.LogLevel.Warning
                && record.Category!.StartsWith("Insa", StringComparison.Ordinal)
        );
    }

    private static async Task<TestChannel> SignInAsync(OpcUaHost host)
    {
        var channel = await TestChannel.OpenAsync(host, SecurityPolicy.Basic256Sha256, MessageSecurityMode.SignAndEncrypt);
        var created = await channel.CreateSessionAsync();
        await channel.ActivateByCertificateAsync(created, OpcUaHost.DeviceCertificate);
        return channel;
    }

    private static async Task SubscribeAsync(TestChannel client)
    {
        for (var i = 0; i < SubscriptionsEach; i++)
        {
            var subscription = await client.CallAsync<CreateSubscriptionResponse>(
                new CreateSubscriptionRequest
                {
                    RequestHeader = client.Header(),
                    RequestedPublishingInterval = 100,
                    RequestedLifetimeCount = 30_000,
                    RequestedMaxKeepAliveCount = 10_000,
                    PublishingEnabled = true,
                }
            );
            var items = await client.CallAsync<CreateMonitoredItemsResponse>(
                new CreateMonitoredItemsRequest
                {
                    RequestHeader = client.Header(),
                    SubscriptionId = subscription.SubscriptionId,
                    TimestampsToReturn = TimestampsToReturn.Both,
                    ItemsToCreate =
                    [
                        .. Enumerable
                            .Range(0, ItemsEach)
                            .Select(item => SubscriptionClient.Item($"ns=3;s=press-1/{MetricOf(item)}", (uint)item)),
                    ],
                }
            );
            Assert.All(items.Results!, result => Assert.Equal(StatusCodes.Good, result.StatusCode));
        }

        await PublishAsync(client, SubscriptionsEach);
    }

    private static async Task PublishAsync(TestChannel client, int count)
    {
        for (var i = 0; i < count; i++)
            await client.SendAsync(new PublishRequest { RequestHeader = client.Header() });
    }

    // A change may come while a subscription publishes, and so in two messages.
    private static async Task<int> ExpectAsync(TestChannel client, double[] expected)
    {
        var subscriptions = new Dictionary<uint, List<double>>();
        var messages = 0;
        for (; subscriptions.Values.Sum(values => values.Count) < SubscriptionsEach * ItemsEach; messages++)
        {
            var response = TestChannel.Decode<PublishResponse>(await client.ReadMessageAsync());
            var data = Assert.Single(response.NotificationMessage.NotificationData!);
            Assert.True(data.TryGet<DataChangeNotification>(EncodingLimits.Default, out var changes));
            if (!subscriptions.TryGetValue(response.SubscriptionId, out var values))
                subscriptions.Add(response.SubscriptionId, values = []);
            foreach (var item in changes.MonitoredItems!)
            {
                Assert.Equal(expected[item.ClientHandle], item.Value.Value.Double);
                values.Add(item.Value.Value.Double);
            }
        }

        Assert.Equal(SubscriptionsEach, subscriptions.Count);
        Assert.All(subscriptions.Values, values => Assert.Equal(expected, values.Order()));
        return messages;
    }

    private static async Task<double> ReadAsync(TestChannel client)
    {
        await client.SendAsync(
            new ReadRequest
            {
                RequestHeader = client.Header(),
                NodesToRead = [new ReadValueId { NodeId = NodeId.OfString(TenantSpace.DevicesNamespace, "press-1/m0"), AttributeId = 13 }],
            }
        );
        return Assert.Single(TestChannel.Decode<ReadResponse>(await client.ReadMessageAsync()).Results!).Value.Double;
    }

    // The requests that nothing has answered were all kept: they are told that there is nothing more to come.
    private static async Task CloseAsync(TestChannel client, int left)
    {
        await client.SendAsync(new CloseSessionRequest { RequestHeader = client.Header(), DeleteSubscriptions = true });
        for (; left > 0; left--)
            TestChannel.Decode<ServiceFault>(await client.ReadMessageAsync());
        TestChannel.Decode<CloseSessionResponse>(await client.ReadMessageAsync());
    }

    private static async Task CommitAsync(OpcUaHost host, double offset)
    {
        using var chunk = new TelemetryChunk(1);
        chunk.Reset(Acme);
        var writer = new TelemetryFrameWriter(new TelemetryLimits());
        var now = TimeProvider.System.GetUtcNow().UtcTicks;
        writer.BeginMessage(chunk, new DeviceSession(Acme, Press), Press, now);
        writer.SetTimestamp(now);
        foreach (var (i, number) in Numbers(offset).Index())
            writer.AddDouble(System.Text.Encoding.ASCII.GetBytes(MetricOf(i)), number);
        writer.EndFrame();
        writer.CommitMessage();
        var batch = new TelemetryBatch();
        batch.Add(chunk);
        foreach (var observer in host.Services.GetServices<ITelemetryObserver>())
            await observer.OnCommittedAsync(batch, default);
    }

    private static double[] Numbers(double offset) => [.. Enumerable.Range(0, ItemsEach).Select(i => i + offset)];

    private static string MetricOf(int i) => $"m{i}";
}
