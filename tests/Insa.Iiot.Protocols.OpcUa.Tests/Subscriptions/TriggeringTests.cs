using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Subscriptions;

/// <summary>Monitor Triggering.</summary>
public sealed class TriggeringTests : IDisposable
{
    private readonly SubscriptionWorld _world = new();
    private readonly SubscriptionClient _client;
    private readonly uint _id;
    private double _number;

    public TriggeringTests()
    {
        _client = _world.Connect();
        _id = _client.CreateSubscription();
        _client.Next();
    }

    public void Dispose() => _world.Dispose();

    [Theory]
    [InlineData(MonitoringMode.Reporting, MonitoringMode.Sampling, new uint[] { 1, 2 })]
    [InlineData(MonitoringMode.Reporting, MonitoringMode.Reporting, new uint[] { 1, 2 })]
    [InlineData(MonitoringMode.Reporting, MonitoringMode.Disabled, new uint[] { 1 })]
    [InlineData(MonitoringMode.Sampling, MonitoringMode.Sampling, new uint[] { 2 })]
    [InlineData(MonitoringMode.Sampling, MonitoringMode.Reporting, new uint[] { 2 })]
    [InlineData(MonitoringMode.Sampling, MonitoringMode.Disabled, new uint[] { })]
    [InlineData(MonitoringMode.Disabled, MonitoringMode.Sampling, new uint[] { })]
    [InlineData(MonitoringMode.Disabled, MonitoringMode.Reporting, new uint[] { 2 })]
    [InlineData(MonitoringMode.Disabled, MonitoringMode.Disabled, new uint[] { })]
    public void What_is_reported_follows_from_both_modes(object trigger, object linked, uint[] reported)
    {
        var x = _client.Monitor(_id, "x", 1, (MonitoringMode)trigger);
        var y = _client.Monitor(_id, "y", 2, (MonitoringMode)linked);
        Link(x, add: [y]);
        Change("y", "x");
        Assert.Equal(reported, Reported().Order());
    }

    [Fact]
    public void A_sampling_item_is_reported_once_for_each_time_it_is_triggered()
    {
        var x = _client.Monitor(_id, "x", 1);
        var y = _client.Monitor(_id, "y", 2, MonitoringMode.Sampling, queueSize: 5);
        Link(x, add: [y]);
        Reported();
        Change("y", "y");
        Assert.Empty(Reported());
        Change("x");
        Assert.Equal([1u, 2u, 2u, 2u], Reported().Order());
        Change("x");
        Assert.Equal([1u], Reported());
        Change("y", "x");
        Assert.Equal([1u, 2u], Reported().Order());
    }

    [Fact]
    public void Several_items_can_be_linked_and_unlinked_at_once()
    {
        var x = _client.Monitor(_id, "x", 1);
        var items = new[] { "y", "z", "plain", "text" }
            .Select((name, index) => _client.Monitor(_id, name, (uint)index + 2, MonitoringMode.Sampling))
            .ToArray();
        Assert.Equal([StatusCodes.Good, StatusCodes.Good], Link(x, add: items[..2]).AddResults!);
        Reported();
        Change("x");
        Assert.Equal([1u, 2u, 3u], Reported().Order());
        Change("x", "y", "z");
        Assert.Equal([1u], Reported());
        Change("x");
        Assert.Equal([1u, 2u, 3u], Reported().Order());
        var response = Link(x, add: items[2..], remove: items[..2]);
        Assert.Equal([StatusCodes.Good, StatusCodes.Good], response.AddResults!);
        Assert.Equal([StatusCodes.Good, StatusCodes.Good], response.RemoveResults!);
        Change("y", "z", "x");
        Assert.Equal([1u, 4u, 5u], Reported().Order());
    }

    [Fact]
    public void Removing_comes_before_adding()
    {
        var x = _client.Monitor(_id, "x", 1);
        var y = _client.Monitor(_id, "y", 2, MonitoringMode.Sampling);
        var response = Link(x, add: [y], remove: [y]);
        Assert.Equal([StatusCodes.BadMonitoredItemIdInvalid], response.RemoveResults!);
        Assert.Equal([StatusCodes.Good], response.AddResults!);
        Assert.Equal([StatusCodes.Good], Link(x, add: [y], remove: [y]).RemoveResults!);
        Change("y", "x");
        Assert.Equal([1u, 2u], Reported().Order());
    }

    [Fact]
    public void Two_items_that_trigger_each_other_report_once()
    {
        var x = _client.Monitor(_id, "x", 1, MonitoringMode.Sampling);
        var y = _client.Monitor(_id, "y", 2, MonitoringMode.Sampling);
        Link(x, add: [y]);
        Link(y, add: [x]);
        Change("x");
        Assert.Equal([2u], Reported());
        Assert.Empty(Reported());
        Change("y");
        Assert.Equal([1u], Reported());
    }

    [Theory]
    [InlineData(MonitoringMode.Reporting, 1)]
    [InlineData(MonitoringMode.Disabled, 0)]
    public void An_item_that_is_linked_to_itself_gains_nothing(object mode, int reported)
    {
        var x = _client.Monitor(_id, "x", 1, (MonitoringMode)mode);
        Link(x, add: [x]);
        Change("x");
        Assert.Equal(reported, Reported().Count);
        _client.DeleteItems(_id, x);
    }

    [Fact]
    public void Only_what_passes_the_filter_triggers()
    {
        var filter = new DataChangeFilter
        {
            Trigger = DataChangeTrigger.StatusValue,
            DeadbandType = (uint)DeadbandType.Absolute,
            DeadbandValue = 5,
        };
        var x = _client.Monitor(_id, "x", 1, filter: filter);
        var y = _client.Monitor(_id, "y", 2, MonitoringMode.Sampling, filter: filter);
        Link(x, add: [y]);
        Reported();
        _world.Values.Set("y", Variant.Of(3.0));
        _world.Values.Set("x", Variant.Of(6.0));
        Assert.Equal([1u, 2u], Reported().Order());
        _world.Values.Set("y", Variant.Of(6.0));
        _world.Values.Set("x", Variant.Of(8.0));
        Assert.Empty(Reported());
        _world.Values.Set("x", Variant.Of(12.0));
        Assert.Equal([1u, 2u], Reported().Order());
        _world.Values.Set("y", Variant.Of(8.0));
        _world.Values.Set("x", Variant.Of(18.0));
        Assert.Equal([1u], Reported());
    }

    [Fact]
    public void Deleted_items_are_linked_no_more()
    {
        var x = _client.Monitor(_id, "x", 1);
        var y = _client.Monitor(_id, "y", 2, MonitoringMode.Sampling);
        var z = _client.Monitor(_id, "z", 3, MonitoringMode.Sampling);
        Link(x, add: [y, z]);
        _client.DeleteItems(_id, y);
        Change("x");
        Assert.Equal([1u, 3u], Reported().Order());
        Assert.Equal([StatusCodes.BadMonitoredItemIdInvalid, StatusCodes.Good], Link(x, remove: [y, z]).RemoveResults!);
        _client.DeleteItems(_id, x);
        Assert.Equal(StatusCodes.BadMonitoredItemIdInvalid, _client.Fault(Request(_id, x, [z], [])));
        Change("z");
        Assert.Empty(Reported());
    }

    [Fact]
    public void Links_to_what_is_not_there_are_refused_one_by_one()
    {
        var x = _client.Monitor(_id, "x", 1);
        var y = _client.Monitor(_id, "y", 2);
        var other = _client.CreateSubscription();
        var foreign = _client.Monitor(other, "z", 3);
        var bad = StatusCodes.BadMonitoredItemIdInvalid;
        Assert.Equal([bad, StatusCodes.Good, bad, StatusCodes.Good], Link(x, add: [0, y, foreign, y]).AddResults!);
        Assert.Equal([bad, StatusCodes.Good, bad, bad], Link(x, remove: [999, y, foreign, y]).RemoveResults!);
        Assert.Equal(bad, _client.Fault(Request(other, x, [foreign], [])));
        Assert.Equal(bad, _client.Fault(Request(_id, 0, [y], [])));
        Assert.Equal(StatusCodes.BadSubscriptionIdInvalid, _client.Fault(Request(0, x, [y], [])));
        Assert.Equal(StatusCodes.BadNothingToDo, _client.Fault(Request(_id, x, [], [])));
    }

    [Fact]
    public void Links_of_a_subscription_are_limited()
    {
        using var world = new SubscriptionWorld(new() { MaxLinksPerSubscription = 2 });
        var client = world.Connect();
        var id = client.CreateSubscription();
        var items = new[] { "x", "y", "z" }.Select(name => client.Monitor(id, name)).ToArray();
        var results = client.Call<SetTriggeringResponse>(Request(id, items[0], items, [])).AddResults!;
        Assert.Equal([StatusCodes.Good, StatusCodes.Good, StatusCodes.BadResourceUnavailable], results);
        client.DeleteItems(id, items[1]);
        Assert.Equal([StatusCodes.Good], client.Call<SetTriggeringResponse>(Request(id, items[0], [items[2]], [])).AddResults!);
    }

    private static SetTriggeringRequest Request(uint subscription, uint trigger, uint[] add, uint[] remove) =>
        new()
        {
            RequestHeader = SubscriptionClient.Header,
            SubscriptionId = subscription,
            TriggeringItemId = trigger,
            LinksToAdd = add,
            LinksToRemove = remove,
        };

    private SetTriggeringResponse Link(uint trigger, uint[]? add = null, uint[]? remove = null) =>
        _client.Call<SetTriggeringResponse>(Request(_id, trigger, add ?? [], remove ?? []));

    private void Change(params string[] names)
    {
        foreach (var name in names)
            _world.Values.Set(name, Variant.Of(++_number));
    }

    /// <summary>The handles reported by the next tick.</summary>
    private List<uint> Reported()
    {
        while (_client.WaitingRequests < 3)
            _client.Publish();
        _world.Pass(100);
        var handles = new List<uint>();
        while (_client.Answered > 0)
            handles.AddRange(_client.Take().Values.Select(value => value.Handle));
        return handles;
    }
}
