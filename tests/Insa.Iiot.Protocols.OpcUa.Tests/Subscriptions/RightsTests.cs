using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Subscriptions;
using Insa.Iiot.Protocols.OpcUa.Tests.Events;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Subscriptions;

/// <summary>Items whose session is another user's from now on, or whose user may do less than before.</summary>
public sealed class RightsTests : IDisposable
{
    private readonly SubscriptionWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void What_the_new_user_may_not_see_stops_and_says_so_once()
    {
        var client = _world.Connect();
        var id = client.CreateSubscription();
        client.Monitor(id, "x", handle: 1);
        client.Monitor(id, "y", handle: 2);
        client.Next();
        Change(client, "x");
        var told = client.Next();
        Assert.Equal([(1u, StatusCodes.BadUserAccessDenied)], told.Values.Select(value => (value.Handle, value.Value.Status)));
        Assert.True(told.Values[0].Value.Value.IsNull);

        _world.Values.Set("x", Variant.Of(5.0));
        _world.Values.Set("y", Variant.Of(6.0));
        Assert.Equal([(2u, StatusCodes.Good)], client.Next().Values.Select(value => (value.Handle, value.Value.Status)));
    }

    [Fact]
    public void What_was_queued_or_sent_before_is_not_given_to_the_new_user()
    {
        var client = _world.Connect();
        var id = client.CreateSubscription();
        client.Monitor(id, "x", queueSize: 10);
        Assert.Equal(1u, client.Next().SequenceNumber);
        _world.Values.Set("x", Variant.Of(1.0));
        _world.Values.Set("x", Variant.Of(2.0));
        Change(client, "x");
        var (_, value) = Assert.Single(client.Next().Values);
        Assert.Equal(StatusCodes.BadUserAccessDenied, value.Status);
        Assert.Null(client.Republish(id, 1, out var fault));
        Assert.Equal(StatusCodes.BadMessageNotAvailable, fault);
    }

    [Fact]
    public void A_value_that_waits_for_its_time_to_be_sampled_is_not_given_either()
    {
        var client = _world.Connect();
        var id = client.CreateSubscription();
        client.Monitor(id, "x", sampling: 1000);
        client.Next();
        _world.Values.Set("x", Variant.Of(1.0));
        Change(client, "x");
        Assert.Equal(StatusCodes.BadUserAccessDenied, Assert.Single(client.Next().Values).Value.Status);
        client.Publish();
        _world.Pass(900);
        client.ExpectNothing();
        _world.Pass(1000);
        Assert.True(client.Take().IsKeepAlive);
    }

    [Fact]
    public void It_goes_on_with_the_current_value_when_it_may_be_seen_again()
    {
        var client = _world.Connect();
        var id = client.CreateSubscription();
        client.Monitor(id, "x");
        client.Next();
        Change(client, "x");
        client.Next();
        _world.Values.Set("x", Variant.Of(7.0));
        Change(client);
        Assert.Equal([7.0], client.Next().Numbers());
        _world.Values.Set("x", Variant.Of(8.0));
        Assert.Equal([8.0], client.Next().Numbers());
    }

    [Fact]
    public void An_item_that_is_switched_on_or_resent_meanwhile_says_no_more()
    {
        var client = _world.Connect();
        var id = client.CreateSubscription();
        var item = client.Monitor(id, "x", mode: MonitoringMode.Disabled);
        client.Next();
        Change(client, "x");
        client.SetMode(id, MonitoringMode.Reporting, item);
        Assert.Equal(StatusCodes.BadUserAccessDenied, Assert.Single(client.Next().Values).Value.Status);
        _world.Services.ResendData(client.Session, id);
        Assert.Equal(StatusCodes.BadUserAccessDenied, Assert.Single(client.Next().Values).Value.Status);
    }

    [Fact]
    public void A_subscription_that_is_taken_over_is_looked_at_too()
    {
        var client = _world.Connect();
        var id = client.CreateSubscription();
        client.Monitor(id, "x");
        client.Next();
        var other = _world.Connect();
        _world.Values.Denied.Add((other.Session, "x"));
        Assert.Equal(StatusCodes.Good, Assert.Single(other.Transfer(sendInitialValues: true, id)).StatusCode);
        Assert.Equal(StatusCodes.BadUserAccessDenied, Assert.Single(other.Next().Values).Value.Status);
    }

    [Fact]
    public void Events_that_were_queued_or_sent_are_not_given_to_who_sees_less()
    {
        var client = _world.Connect();
        SignIn(client, SessionPermissions.ReadDevices, SessionPermissions.ReadAlarms);
        var id = client.CreateSubscription();
        client.MonitorEvents(id, "area", Filters.Of(["Message"]));
        _world.Events.Raise("area", "one");
        Assert.Equal(["one"], client.Next().Messages());
        _world.Events.Raise("area", "two");
        SignIn(client, SessionPermissions.ReadDevices);
        Assert.Equal(["Events were lost: the queue was full."], client.Next().Messages());
        Assert.Null(client.Republish(id, 1, out var fault));
        Assert.Equal(StatusCodes.BadMessageNotAvailable, fault);
        _world.Events.Raise("area", "three");
        Assert.Equal(["three"], client.Next().Messages());
    }

    [Fact]
    public void Events_stay_for_who_sees_as_much()
    {
        var client = _world.Connect();
        SignIn(client, SessionPermissions.ReadDevices);
        var id = client.CreateSubscription();
        client.MonitorEvents(id, "area", Filters.Of(["Message"]));
        _world.Events.Raise("area", "one");
        client.Next();
        _world.Events.Raise("area", "two");
        SignIn(client, SessionPermissions.ReadDevices, SessionPermissions.ReadAlarms);
        Assert.Equal(["two"], client.Next().Messages());
        Assert.NotNull(client.Republish(id, 1, out _));
    }

    // As if another user had signed in to the client's session.
    private void Change(SubscriptionClient client, params string[] denied)
    {
        _world.Values.Denied.Clear();
        _world.Values.Denied.UnionWith(denied.Select(node => (client.Session, node)));
        SignIn(client);
    }

    private void SignIn(SubscriptionClient client, params string[] permissions)
    {
        client.Session.Identity = SessionIdentity.Of(new UserGrant(client.Session.Tenant, "u2", "u2", 1, permissions.ToHashSet()));
        _world.Table.UserChanged(client.Session);
    }
}
