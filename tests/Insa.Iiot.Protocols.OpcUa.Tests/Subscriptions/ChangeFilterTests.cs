using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Subscriptions;

/// <summary>Monitor Items Deadband Filter, Data Access PercentDeadband, and the triggers of Monitor Value Change.</summary>
public sealed class ChangeFilterTests
{
    [Theory]
    [InlineData(2.0, new double[] { 1, 2, 2.5, 4, 4.6, 2.4 }, new double[] { 2.5, 4.6, 2.4 })]
    [InlineData(0.25, new double[] { 0.25, 0.26, 0.5, 0.6 }, new double[] { 0.26, 0.6 })]
    [InlineData(220.5, new double[] { 220.5, -220.5, 221, 0, 500 }, new double[] { 221, 0, 500 })]
    public void An_absolute_deadband_is_measured_from_the_last_value_that_was_news(double deadband, double[] written, double[] reported)
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        client.Monitor(id, "x", queueSize: 20, filter: Filter(deadband));
        foreach (var number in written)
            world.Values.Set("x", Variant.Of(number));
        Assert.Equal([0.0, .. reported], client.Next().Numbers());
    }

    [Fact]
    public void A_percent_deadband_is_of_the_range()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        client.Monitor(id, "x", queueSize: 20, filter: Filter(5, DeadbandType.Percent));
        foreach (var number in new double[] { 10, 10.5, 20, 21 })
            world.Values.Set("x", Variant.Of(number));
        Assert.Equal([0.0, 10.5, 21], client.Next().Numbers());
    }

    [Theory]
    [InlineData("plain", 5.0, DeadbandType.Percent, 0x80440000u)]
    [InlineData("x", 101.0, DeadbandType.Percent, 0x808E0000u)]
    [InlineData("x", -1.0, DeadbandType.Percent, 0x808E0000u)]
    [InlineData("x", -1.0, DeadbandType.Absolute, 0x808E0000u)]
    [InlineData("x", double.NaN, DeadbandType.Absolute, 0x808E0000u)]
    [InlineData("x", 1.0, (DeadbandType)3, 0x808E0000u)]
    [InlineData("text", 1.0, DeadbandType.Absolute, 0x80450000u)]
    [InlineData("text", 1.0, DeadbandType.Percent, 0x80450000u)]
    [InlineData("text", 1.0, DeadbandType.None, 0u)]
    [InlineData("plain", 1.0, DeadbandType.Absolute, 0u)]
    [InlineData("x", 100.0, DeadbandType.Percent, 0u)]
    public void Deadbands_that_make_no_sense_are_refused(string node, double deadband, object type, uint status)
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        var filter = Filter(deadband, (DeadbandType)type);
        Assert.Equal(new StatusCode(status), client.TryMonitor(id, SubscriptionClient.Item(node, filter: filter)).StatusCode);
        var item = client.Monitor(id, node);
        Assert.Equal(new StatusCode(status), client.Modify(id, item, SubscriptionClient.Parameters(filter: filter)).StatusCode);
    }

    [Fact]
    public void Attributes_that_are_no_values_have_no_deadband()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        foreach (var type in new[] { DeadbandType.Absolute, DeadbandType.Percent })
        {
            Assert.Equal(
                StatusCodes.BadFilterNotAllowed,
                client.TryMonitor(id, SubscriptionClient.Item("x", attribute: 4, filter: Filter(1, type))).StatusCode
            );
        }

        Assert.Equal(
            StatusCodes.Good,
            client.TryMonitor(id, SubscriptionClient.Item("x", attribute: 4, filter: Filter(0, DeadbandType.None))).StatusCode
        );
    }

    [Fact]
    public void Filters_of_other_kinds_are_refused()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        Assert.Equal(
            StatusCodes.BadFilterNotAllowed,
            client.TryMonitor(id, SubscriptionClient.Item("x", filter: new EventFilter { WhereClause = new ContentFilter() })).StatusCode
        );
        Assert.Equal(
            StatusCodes.BadAttributeIdInvalid,
            client
                .TryMonitor(id, SubscriptionClient.Item("x", attribute: 12, filter: new EventFilter { WhereClause = new ContentFilter() }))
                .StatusCode
        );
        Assert.Equal(
            StatusCodes.BadMonitoredItemFilterUnsupported,
            client
                .TryMonitor(
                    id,
                    SubscriptionClient.Item("x", filter: new AggregateFilter { AggregateConfiguration = new AggregateConfiguration() })
                )
                .StatusCode
        );
        Assert.Equal(
            StatusCodes.BadMonitoredItemFilterInvalid,
            client.TryMonitor(id, SubscriptionClient.Item("x", filter: new DataChangeFilter { Trigger = (DataChangeTrigger)3 })).StatusCode
        );
    }

    [Fact]
    public void Any_element_of_an_array_that_moves_is_news_and_so_is_its_length()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        client.Monitor(id, "array", queueSize: 20, filter: Filter(10));
        foreach (var array in new int[][] { [10, 11, 12, 13, 14, 15], [0, 1, 2, 3, 4, 16], [0, 1, 2], [0, 1, 13], [0, 1, 2, 3, 4, 5] })
            world.Values.Set("array", Variant.Of(array));
        Assert.Equal([6, 6, 3, 3, 6], client.Next().Values.Select(value => value.Value.Value.Length));
    }

    [Fact]
    public void A_deadband_looks_at_the_range_only()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        client.Monitor(id, "array", queueSize: 20, filter: Filter(10), range: "1:3");
        foreach (var array in new int[][] { [99, 1, 2, 3, 99, 99], [0, 1, 2, 14, 4, 5], [0, 1, 3, 14, 4, 5] })
            world.Values.Set("array", Variant.Of(array));
        Assert.Equal([Variant.Of([1, 2, 3]), Variant.Of([1, 2, 14])], client.Next().Values.Select(value => value.Value.Value));
    }

    [Theory]
    [InlineData(DataChangeTrigger.Status, new uint[] { 0x40000000, 0 })]
    [InlineData(DataChangeTrigger.StatusValue, new uint[] { 0, 0x40000000, 0x40000000, 0 })]
    [InlineData(DataChangeTrigger.StatusValueTimestamp, new uint[] { 0, 0, 0x40000000, 0x40000000, 0 })]
    public void The_trigger_says_which_changes_are_news(object trigger, uint[] statuses)
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        client.Monitor(id, "x", queueSize: 20, filter: new DataChangeFilter { Trigger = (DataChangeTrigger)trigger });
        client.Next();
        world.Values.Set("x", new DataValue(Variant.Of(1.0), default, 1000));
        world.Values.Set("x", new DataValue(Variant.Of(1.0), default, 2000));
        world.Values.Set("x", new DataValue(Variant.Of(1.0), StatusCodes.Uncertain, 2000));
        world.Values.Set("x", new DataValue(Variant.Of(2.0), StatusCodes.Uncertain, 2000));
        world.Values.Set("x", new DataValue(Variant.Of(2.0), default, 2000));
        world.Values.Set("x", new DataValue(Variant.Of(2.0), default, 2000));
        Assert.Equal(statuses, client.Next().Values.Select(value => value.Value.Status.Value));
    }

    [Fact]
    public void A_status_passes_any_deadband_and_with_one_times_do_not_count()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        client.Monitor(
            id,
            "x",
            queueSize: 20,
            filter: new DataChangeFilter
            {
                Trigger = DataChangeTrigger.StatusValueTimestamp,
                DeadbandType = (uint)DeadbandType.Absolute,
                DeadbandValue = 10,
            }
        );
        client.Next();
        world.Values.Set("x", new DataValue(Variant.Of(1.0), default, 5000));
        world.Values.Set("x", new DataValue(Variant.Of(1.0), StatusCodes.Bad, 5000));
        Assert.Equal([StatusCodes.Bad], client.Next().Values.Select(value => value.Value.Status));
    }

    [Fact]
    public void What_becomes_no_number_or_another_type_is_news_once()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        client.Monitor(id, "x", queueSize: 20, filter: Filter(10));
        foreach (var value in new[] { Variant.Of(double.NaN), Variant.Of(double.NaN), Variant.Of(1.0), Variant.Of(1), Variant.Of("1") })
            world.Values.Set("x", value);
        Assert.Equal(
            [BuiltInType.Double, BuiltInType.Double, BuiltInType.Double, BuiltInType.Int32, BuiltInType.String],
            client.Next().Values.Select(value => value.Value.Value.Type)
        );
    }

    private static DataChangeFilter Filter(double deadband, DeadbandType type = DeadbandType.Absolute) =>
        new()
        {
            Trigger = DataChangeTrigger.StatusValue,
            DeadbandType = (uint)type,
            DeadbandValue = deadband,
        };
}
