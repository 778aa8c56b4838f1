using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Subscriptions;

/// <summary>Monitor Basic, Monitor Value Change, Monitor Items and Monitor Alternate Encoding.</summary>
public sealed class MonitoredItemTests
{
    [Fact]
    public void The_value_at_creation_comes_first_and_then_every_change()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        client.Monitor(id, "x", 5);
        Assert.Equal([0.0], client.Next().Numbers(5));
        world.Values.Set("x", Variant.Of(1.0));
        Assert.Equal([1.0], client.Next().Numbers(5));
        world.Values.Set("x", Variant.Of(1.0));
        client.Publish();
        world.Pass(500);
        client.ExpectNothing();
    }

    [Theory]
    [InlineData(TimestampsToReturn.Source, true, false)]
    [InlineData(TimestampsToReturn.Server, false, true)]
    [InlineData(TimestampsToReturn.Both, true, true)]
    [InlineData(TimestampsToReturn.Neither, false, false)]
    public void Notifications_carry_the_times_that_were_asked_for(object asked, bool source, bool server)
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        var item = client.Monitor(id, "x", timestamps: (TimestampsToReturn)asked);
        Check(client.Next());
        client.Modify(id, item, SubscriptionClient.Parameters(), TimestampsToReturn.Both);
        client.Modify(id, item, SubscriptionClient.Parameters(), (TimestampsToReturn)asked);
        world.Values.Set("x", Variant.Of(1.0));
        Check(client.Next());

        void Check(Published published)
        {
            var (_, value) = Assert.Single(published.Values);
            Assert.Equal((source, server), (value.SourceTimestamp != 0, value.ServerTimestamp != 0));
        }
    }

    [Fact]
    public void What_is_no_value_can_be_watched_too()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        var result = client.TryMonitor(id, SubscriptionClient.Item("x", attribute: 4));
        Assert.Equal(StatusCodes.Good, result.StatusCode);
        Assert.Equal("a name", Assert.Single(client.Next().Values).Value.Value.Text);
    }

    [Fact]
    public void Each_item_is_refused_for_its_own_reason()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        MonitoredItemCreateRequest[] items =
        [
            SubscriptionClient.Item("x"),
            SubscriptionClient.Item("unknown"),
            SubscriptionClient.Item("x", attribute: 999),
            SubscriptionClient.Item("x", mode: (MonitoringMode)7),
            SubscriptionClient.Item("x", encoding: new QualifiedName(0, "Default Binary")),
            SubscriptionClient.Item("x", encoding: new QualifiedName(0, "Default XML")),
            SubscriptionClient.Item("x", encoding: new QualifiedName(0, "modbus")),
            SubscriptionClient.Item("x", encoding: new QualifiedName(7, "Default Binary")),
            SubscriptionClient.Item("x", attribute: 4, encoding: new QualifiedName(0, "Default Binary")),
            SubscriptionClient.Item("y"),
        ];
        var response = client.Call<CreateMonitoredItemsResponse>(SubscriptionClient.Items(id, items));
        Assert.Equal(
            [
                StatusCodes.Good,
                StatusCodes.BadNodeIdUnknown,
                StatusCodes.BadAttributeIdInvalid,
                StatusCodes.BadMonitoringModeInvalid,
                StatusCodes.Good,
                StatusCodes.BadDataEncodingUnsupported,
                StatusCodes.BadDataEncodingInvalid,
                StatusCodes.BadDataEncodingInvalid,
                StatusCodes.BadDataEncodingInvalid,
                StatusCodes.Good,
            ],
            response.Results!.Select(result => result.StatusCode)
        );
        Assert.Equal(3, world.Values.Watchers);
    }

    [Theory]
    [InlineData("5:2")]
    [InlineData("2-4")]
    [InlineData("2:2")]
    [InlineData("-4:-2")]
    [InlineData("-2:0")]
    [InlineData("[0:0],[2:1]")]
    [InlineData("0-0,2-1")]
    [InlineData("0x2:0xF")]
    [InlineData(":")]
    [InlineData("1,")]
    public void A_range_that_is_none_is_refused(string range)
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        Assert.Equal(StatusCodes.BadIndexRangeInvalid, client.TryMonitor(id, SubscriptionClient.Item("array", range: range)).StatusCode);
    }

    [Fact]
    public void A_range_without_data_is_reported_as_that_until_there_is_some()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        client.Monitor(id, "array", range: "8:9");
        Assert.Equal(StatusCodes.BadIndexRangeNoData, Assert.Single(client.Next().Values).Value.Status);
        world.Values.Set("array", Variant.Of([0, 1, 2, 3, 4, 5, 6, 7, 8]));
        var (_, value) = Assert.Single(client.Next().Values);
        Assert.Equal(Variant.Of([8]), value.Value);
        Assert.Equal(StatusCodes.Good, value.Status);
    }

    [Fact]
    public void Only_changes_within_the_range_count()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        client.Monitor(id, "array", range: "2:4");
        Assert.Equal(Variant.Of([2, 3, 4]), Assert.Single(client.Next().Values).Value.Value);
        world.Values.Set("array", Variant.Of([9, 9, 2, 3, 4, 9]));
        client.Publish();
        world.Pass(300);
        client.ExpectNothing();
        world.Values.Set("array", Variant.Of([9, 9, 2, 3, 7, 9]));
        world.Pass(100);
        Assert.Equal(Variant.Of([2, 3, 7]), Assert.Single(client.Take().Values).Value.Value);
    }

    [Fact]
    public void A_range_of_a_scalar_number_has_no_data()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        client.Monitor(id, "x", range: "0:1");
        Assert.Equal(StatusCodes.BadIndexRangeNoData, Assert.Single(client.Next().Values).Value.Status);
    }

    [Theory]
    [InlineData(0.0, 0)]
    [InlineData(-1.0, 100)]
    [InlineData(-10.0, 100)]
    [InlineData(double.NaN, 100)]
    [InlineData(1.0, 10)]
    [InlineData(250.0, 250)]
    [InlineData(double.MaxValue, 86_400_000)]
    public void Sampling_intervals_are_revised(double asked, double revised)
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription(interval: 100);
        var result = client.TryMonitor(id, SubscriptionClient.Item("x", sampling: asked));
        Assert.Equal((StatusCodes.Good, revised), (result.StatusCode, result.RevisedSamplingInterval));
        Assert.Equal(
            revised,
            client.Modify(id, result.MonitoredItemId, SubscriptionClient.Parameters(sampling: asked)).RevisedSamplingInterval
        );
    }

    [Fact]
    public void An_item_takes_no_more_than_one_sample_per_interval_and_always_the_newest()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription(interval: 1000);
        client.Monitor(id, "x", sampling: 200, queueSize: 20);
        for (var i = 1; i <= 9; i++)
        {
            world.Pass(100);
            world.Values.Set("x", Variant.Of((double)i));
        }

        // What was the value when each interval ended: at 200 ms, 400 ms ...
        Assert.Equal([0.0, 1, 3, 5, 7, 9], client.Next().Numbers());
    }

    [Fact]
    public void A_value_that_came_too_early_is_not_lost()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription(interval: 100);
        client.Monitor(id, "x", sampling: 1000);
        client.Next();
        world.Values.Set("x", Variant.Of(1.0));
        client.Publish();
        world.Pass(800);
        client.ExpectNothing();
        world.Pass(200);
        Assert.Equal([1.0], client.Take().Numbers());
    }

    [Fact]
    public void Of_several_items_that_wait_to_be_sampled_none_is_forgotten()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription(interval: 1000);
        var names = new[] { "x", "y", "z" };
        for (var i = 0; i < names.Length; i++)
            client.Monitor(id, names[i], (uint)i, sampling: 200);
        world.Pass(100);
        foreach (var name in names)
            world.Values.Set(name, Variant.Of(1.0));

        // The one in the middle is sampled, and waits again.
        world.Pass(150);
        world.Values.Set("y", Variant.Of(2.0));
        client.Publish();
        world.Pass(750);
        var published = client.Take();
        Assert.Equal([1.0], published.Numbers(0));
        Assert.Equal([2.0], published.Numbers(1));
        Assert.Equal([1.0], published.Numbers(2));
    }

    [Fact]
    public void A_value_that_waits_comes_before_those_after_it_when_every_change_is_asked_for_now()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription(interval: 1000);
        var item = client.Monitor(id, "x", sampling: 500, queueSize: 10);
        world.Values.Set("x", Variant.Of(1.0));
        client.Modify(id, item, SubscriptionClient.Parameters(sampling: 0, queueSize: 10));
        world.Values.Set("x", Variant.Of(2.0));
        world.Values.Set("x", Variant.Of(3.0));
        Assert.Equal([0.0, 1, 2, 3], client.Next(1000).Numbers());
    }

    [Fact]
    public void Items_that_are_deleted_before_they_could_report_are_let_go()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription(interval: 1000);
        client.Monitor(id, "x", 7, queueSize: 2);
        var deleted = new List<WeakReference>();
        for (var i = 0; i < 500; i++)
            CreateAndDelete();
        GC.Collect();
        Assert.InRange(deleted.Count(reference => reference.IsAlive), 0, 100);
        Assert.Equal([7u, 7u], client.Next(1000).Values.Select(value => value.Handle));

        void CreateAndDelete()
        {
            var item = client.Monitor(id, "y", sampling: 100);
            world.Values.Set("x", Variant.Of((double)deleted.Count + 1));
            world.Values.Set("y", Variant.Of((double)deleted.Count + 1));
            deleted.Add(new WeakReference(Assert.Single(world.Engine.All).Items[item]));
            client.DeleteItems(id, item);
        }
    }

    [Fact]
    public void Modes_decide_what_is_sampled_and_what_is_reported()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription(keepAlive: 100);
        client.Next();
        var item = client.Monitor(id, "x", mode: MonitoringMode.Disabled);
        client.Publish();
        Expect();
        client.SetMode(id, MonitoringMode.Disabled, item);
        Expect();
        client.SetMode(id, MonitoringMode.Sampling, item);
        Expect();
        client.SetMode(id, MonitoringMode.Sampling, item);
        Expect();
        client.SetMode(id, MonitoringMode.Reporting, item);
        Expect(5.0);
        client.SetMode(id, MonitoringMode.Reporting, item);
        Expect(6.0);
        client.SetMode(id, MonitoringMode.Sampling, item);
        Expect();
        client.SetMode(id, MonitoringMode.Disabled, item);
        Expect();
        client.SetMode(id, MonitoringMode.Reporting, item);
        Expect(9.0);

        void Expect(params double[] numbers)
        {
            _change++;
            world.Values.Set("x", Variant.Of(_change));
            world.Pass(100);
            if (numbers.Length == 0)
            {
                client.ExpectNothing();
                return;
            }

            Assert.Equal(numbers, client.Take().Numbers());
            client.Publish();
        }
    }

    private double _change;

    [Fact]
    public void A_disabled_item_has_an_empty_queue_and_begins_with_the_current_value()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        var item = client.Monitor(id, "x", queueSize: 10);
        world.Values.Set("x", Variant.Of(1.0));
        client.SetMode(id, MonitoringMode.Disabled, item);
        world.Values.Set("x", Variant.Of(2.0));
        world.Values.Set("x", Variant.Of(3.0));
        Assert.True(client.Next().IsKeepAlive);
        client.SetMode(id, MonitoringMode.Reporting, item);
        Assert.Equal([3.0], client.Next().Numbers());
    }

    [Fact]
    public void Ids_of_other_subscriptions_and_of_deleted_items_are_unknown()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var first = client.CreateSubscription();
        var second = client.CreateSubscription();
        var mine = client.Monitor(first, "x");
        var others = client.Monitor(second, "x");
        Assert.NotEqual(mine, others);
        var bad = StatusCodes.BadMonitoredItemIdInvalid;
        Assert.Equal([bad, StatusCodes.Good, bad], client.SetMode(first, MonitoringMode.Sampling, others, mine, 0));
        Assert.Equal(bad, client.Modify(first, others, SubscriptionClient.Parameters()).StatusCode);
        Assert.Equal([bad, StatusCodes.Good, bad], client.DeleteItems(first, others, mine, mine));
        Assert.Equal(bad, client.Modify(first, mine, SubscriptionClient.Parameters()).StatusCode);
        Assert.Equal(1, world.Values.Watchers);
        world.Values.Set("x", Variant.Of(4.0));
        client.Publish();
        Assert.True(client.Next().IsKeepAlive);
        Assert.Equal([4.0], client.Take().Numbers());
    }

    [Fact]
    public void Deleted_items_report_nothing_even_if_they_had_something_to_say()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        var items = new[] { client.Monitor(id, "x", 1, sampling: 50), client.Monitor(id, "y", 2), client.Monitor(id, "z", 3) };
        world.Values.Set("x", Variant.Of(1.0));
        client.DeleteItems(id, items[0], items[2]);
        Assert.Equal([2u], client.Next().Values.Select(value => value.Handle));
    }

    [Fact]
    public void Services_for_nothing_or_with_unknown_enumerations_are_refused()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        var header = SubscriptionClient.Header;
        Assert.Equal(StatusCodes.BadNothingToDo, client.Fault(SubscriptionClient.Items(id, [])));
        Assert.Equal(StatusCodes.BadNothingToDo, client.Fault(SubscriptionClient.Items(id, null)));
        Assert.Equal(
            StatusCodes.BadTimestampsToReturnInvalid,
            client.Fault(SubscriptionClient.Items(id, [SubscriptionClient.Item("x")], (TimestampsToReturn)9))
        );
        Assert.Equal(
            StatusCodes.BadNothingToDo,
            client.Fault(new ModifyMonitoredItemsRequest { RequestHeader = header, SubscriptionId = id })
        );
        Assert.Equal(
            StatusCodes.BadTimestampsToReturnInvalid,
            client.Fault(
                new ModifyMonitoredItemsRequest
                {
                    RequestHeader = header,
                    SubscriptionId = id,
                    TimestampsToReturn = (TimestampsToReturn)4,
                    ItemsToModify = [new() { MonitoredItemId = 1, RequestedParameters = SubscriptionClient.Parameters() }],
                }
            )
        );
        Assert.Equal(
            StatusCodes.BadNothingToDo,
            client.Fault(new SetMonitoringModeRequest { RequestHeader = header, SubscriptionId = id })
        );
        Assert.Equal(
            StatusCodes.BadMonitoringModeInvalid,
            client.Fault(
                new SetMonitoringModeRequest
                {
                    RequestHeader = header,
                    SubscriptionId = id,
                    MonitoringMode = (MonitoringMode)3,
                    MonitoredItemIds = [1],
                }
            )
        );
        Assert.Equal(
            StatusCodes.BadNothingToDo,
            client.Fault(new DeleteMonitoredItemsRequest { RequestHeader = header, SubscriptionId = id })
        );
        Assert.Equal(StatusCodes.BadSubscriptionIdInvalid, client.Fault(SubscriptionClient.Items(0, [SubscriptionClient.Item("x")])));
        Assert.Equal(
            StatusCodes.BadSubscriptionIdInvalid,
            client.Fault(
                new DeleteMonitoredItemsRequest
                {
                    RequestHeader = header,
                    SubscriptionId = 77,
                    MonitoredItemIds = [1],
                }
            )
        );
    }

    [Fact]
    public void Client_handles_may_be_changed_and_need_not_differ()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription();
        var first = client.Monitor(id, "x", 1);
        client.Monitor(id, "y", 2);
        client.Next();
        Assert.Equal(StatusCodes.Good, client.Modify(id, first, SubscriptionClient.Parameters(uint.MaxValue)).StatusCode);
        world.Values.Set("x", Variant.Of(1.0));
        Assert.Equal([uint.MaxValue], client.Next().Values.Select(value => value.Handle));
        client.Modify(id, first, SubscriptionClient.Parameters(2));
        world.Values.Set("x", Variant.Of(2.0));
        world.Values.Set("y", Variant.Of(2.0));
        Assert.Equal([2u, 2u], client.Next().Values.Select(value => value.Handle));
    }

    [Fact]
    public void Modifying_an_item_reports_nothing_by_itself()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        var id = client.CreateSubscription(keepAlive: 50);
        var item = client.Monitor(id, "x");
        client.Next();
        client.Modify(id, item, SubscriptionClient.Parameters(sampling: 500, queueSize: 3));
        client.Publish();
        world.Pass(1000);
        client.ExpectNothing();
    }

    [Fact]
    public void Three_subscriptions_of_five_hundred_items_report_all_of_them()
    {
        using var world = new SubscriptionWorld();
        var client = world.Connect();
        for (var i = 0; i < 500; i++)
            world.Values.Add("n" + i, Variant.Of(i));
        foreach (var _ in Enumerable.Range(0, 3))
        {
            var id = client.CreateSubscription();
            var items = Enumerable.Range(0, 500).Select(i => SubscriptionClient.Item("n" + i, (uint)i)).ToArray();
            Assert.All(
                client.Call<CreateMonitoredItemsResponse>(SubscriptionClient.Items(id, items)).Results!,
                result => Assert.Equal(StatusCodes.Good, result.StatusCode)
            );
        }

        client.PublishTimes(3);
        world.Pass(100);
        for (var i = 0; i < 3; i++)
            Assert.Equal(Enumerable.Range(0, 500).Select(n => (uint)n), client.Take().Values.Select(value => value.Handle));
    }

    [Fact]
    public void Items_are_limited_per_subscription_per_tenant_and_per_call()
    {
        using var world = new SubscriptionWorld(
            new()
            {
                MaxItemsPerSubscription = 3,
                MaxItemsPerTenant = 5,
                MaxOperationsPerCall = 4,
            }
        );
        var client = world.Connect();
        var first = client.CreateSubscription();
        var second = client.CreateSubscription();
        MonitoredItemCreateRequest[] Some(int count) => [.. Enumerable.Range(0, count).Select(_ => SubscriptionClient.Item("x"))];
        int Good(uint id, int count) =>
            client
                .Call<CreateMonitoredItemsResponse>(SubscriptionClient.Items(id, Some(count)))
                .Results!.Count(result => result.StatusCode.IsGood || result.StatusCode != StatusCodes.BadTooManyMonitoredItems);
        Assert.Equal(StatusCodes.BadTooManyOperations, client.Fault(SubscriptionClient.Items(first, Some(5))));
        Assert.Equal(3, Good(first, 4));
        Assert.Equal(2, Good(second, 3));
        client.Delete(first);
        Assert.Equal(1, Good(second, 3));
        var other = world.Connect(tenant: "other");
        other.Monitor(other.CreateSubscription(), "x");
    }

    [Fact]
    public void Creating_and_deleting_for_long_leaves_nothing_behind()
    {
        using var world = new SubscriptionWorld(new() { MaxItemsPerTenant = 10, MaxQueuedValuesPerSubscription = 50 });
        var client = world.Connect();
        var id = client.CreateSubscription();
        for (var i = 0; i < 200; i++)
        {
            var item = client.Monitor(id, "x", queueSize: 20, sampling: 100);
            world.Values.Set("x", Variant.Of((double)i));
            Assert.Equal([StatusCodes.Good], client.DeleteItems(id, item));
        }

        Assert.Equal(0, world.Values.Watchers);
        Assert.Equal(20u, client.TryMonitor(id, SubscriptionClient.Item("x", queueSize: 20)).RevisedQueueSize);
    }
}
