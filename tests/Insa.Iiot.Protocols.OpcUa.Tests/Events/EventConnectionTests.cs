using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.Tests.Subscriptions;
using Insa.Iiot.Protocols.OpcUa.Types;
using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Events;

/// <summary>Over a connection.</summary>
public sealed class EventConnectionTests
{
    private static readonly TenantId _acme = TenantId.Parse("acme");

    [Fact]
    public async Task A_user_hears_of_a_device_that_is_disabled_and_of_one_that_is_new()
    {
        await using var host = await OpcUaHost.StartAsync(options => options.AllowUnsecured = true);
        host.UserPermissions = [.. SpaceWorld.AllPermissions];
        host.Registry.Add(_acme, new Device { Id = DeviceId.Parse("press-1") });
        await using var channel = await TestChannel.OpenAsync(host);
        await channel.SignInAsync(OpcUaHost.User);
        var subscription = await channel.CallAsync<CreateSubscriptionResponse>(
            new CreateSubscriptionRequest
            {
                RequestHeader = channel.Header(5, 10_000),
                RequestedPublishingInterval = 50,
                RequestedLifetimeCount = 1000,
                RequestedMaxKeepAliveCount = 1000,
                PublishingEnabled = true,
            }
        );
        var items = SubscriptionClient.Items(
            subscription.SubscriptionId,
            [
                SubscriptionClient.Item("i=2253", handle: 1, attribute: 12, queueSize: 0, filter: Filters.Of(["Message", "Changes"])),
                SubscriptionClient.Item("ns=3;s=press-1", handle: 2, attribute: 12, queueSize: 0, filter: Filters.AtLeast(200)),
                SubscriptionClient.Item("ns=3;s=press-1", handle: 3, attribute: 12, queueSize: 0, filter: Filters.AtLeast(900)),
            ]
        );
        var created = await channel.CallAsync<CreateMonitoredItemsResponse>(
            new CreateMonitoredItemsRequest
            {
                RequestHeader = channel.Header(5, 10_000),
                SubscriptionId = items.SubscriptionId,
                TimestampsToReturn = TimestampsToReturn.Neither,
                ItemsToCreate = items.ItemsToCreate,
            }
        );
        Assert.All(created.Results!, item => Assert.Equal(StatusCodes.Good, item.StatusCode));

        host.Registry.Add(_acme, new Device { Id = DeviceId.Parse("press-1"), State = DeviceState.Disabled });
        host.Registry.Add(_acme, new Device { Id = DeviceId.Parse("robot") });
        var space = host.Services.GetRequiredService<TenantSpaces>().Find(_acme)!;
        await host.Services.GetRequiredService<SpaceSource>().ReconcileAsync(space, default);

        var events = new List<(uint Handle, Variant[] Fields)>();
        while (events.Count < 3)
        {
            var published = await channel.CallAsync<PublishResponse>(new PublishRequest { RequestHeader = channel.Header(5, 10_000) });
            events.AddRange(Published.EventsOf(published.NotificationMessage));
        }

        Assert.Equal([1u, 1u, 2u], events.Select(e => e.Handle).Order());
        Assert.Equal(
            [NodeId.OfString(3, "robot"), NodeId.Of(3, 3)],
            ListedEvents.ChangesOf(events[0].Fields[1]).Select(change => change.Affected)
        );
    }
}
