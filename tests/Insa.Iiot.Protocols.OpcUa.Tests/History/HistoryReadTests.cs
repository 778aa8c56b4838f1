using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.History;
using Insa.Iiot.Protocols.OpcUa.History.Aggregates;
using Insa.Iiot.Protocols.OpcUa.Types;
using Microsoft.Extensions.Time.Testing;

namespace Insa.Iiot.Protocols.OpcUa.Tests.History;

/// <summary>The HistoryRead service: requests, at-time and processed reads, limits.</summary>
public sealed class HistoryReadTests : IDisposable
{
    private static readonly ReadRawModifiedDetails Hour = new()
    {
        StartTime = HistoryWorld.Ua("05:00"),
        EndTime = HistoryWorld.Ua("06:00"),
    };

    private readonly HistoryWorld _world = new HistoryWorld().Holding("05:00=0 05:10=10 05:20=20 05:30=30");

    public void Dispose() => _world.Dispose();

    [Fact]
    public async Task No_nodes_is_nothing_to_do() => Assert.Equal(StatusCodes.BadNothingToDo, (await _world.ReadAsync(Hour, [])).Status);

    [Fact]
    public async Task Too_many_nodes_are_refused_at_once()
    {
        var nodes = Enumerable.Repeat(HistoryWorld.Node(), HistoryLimits.Default.MaxNodesPerRead + 1).ToArray();
        Assert.Equal(StatusCodes.BadTooManyOperations, (await _world.ReadAsync(Hour, nodes)).Status);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(-1)]
    public async Task Values_without_a_time_are_no_history(int timestamps)
    {
        var (status, _) = await _world.ReadAsync(Hour, [HistoryWorld.Node()], (TimestampsToReturn)timestamps);
        Assert.Equal(StatusCodes.BadTimestampsToReturnInvalid, status);
    }

    [Theory]
    [InlineData(0, true, false)]
    [InlineData(1, false, true)]
    [InlineData(2, true, true)]
    public async Task Times_come_as_asked_for(int timestamps, bool source, bool server)
    {
        var (_, results) = await _world.ReadAsync(Hour, [HistoryWorld.Node()], (TimestampsToReturn)timestamps);
        Assert.True(results[0].HistoryData.TryGet<HistoryData>(OpcUa.Encoding.EncodingLimits.Default, out var data));
        Assert.All(data.DataValues!, v => Assert.Equal((source, server), (v.SourceTimestamp != 0, v.ServerTimestamp != 0)));
    }

    [Fact]
    public async Task Details_that_are_unknown_are_invalid() =>
        Assert.Equal(
            StatusCodes.BadHistoryOperationInvalid,
            (await _world.ReadAsync(new Argument { DataType = NodeId.Of(1), Description = default }, [HistoryWorld.Node()])).Status
        );

    [Fact]
    public async Task Every_node_has_its_own_result()
    {
        var (_, results) = await _world.ReadAsync(
            Hour,
            [
                HistoryWorld.Node(NodeId.OfString(3, "nothing")),
                HistoryWorld.Node(),
                HistoryWorld.Node(NodeId.Of(2253)),
                HistoryWorld.Node(indexRange: "0:1"),
                HistoryWorld.Node(encoding: "Default XML"),
                HistoryWorld.Node(NodeId.OfString(3, "press-1/nothing")),
            ]
        );
        Assert.Equal(
            [
                StatusCodes.BadNodeIdUnknown,
                StatusCodes.Good,
                StatusCodes.BadHistoryOperationUnsupported,
                StatusCodes.BadIndexRangeNoData,
                StatusCodes.BadDataEncodingInvalid,
                StatusCodes.GoodNoData,
            ],
            results.Select(r => r.StatusCode)
        );
    }

    [Fact]
    public async Task Many_nodes_share_what_one_answer_may_hold()
    {
        using var world = new HistoryWorld(HistoryLimits.Default with { MaxValuesPerRead = 6 }, _world.Store);
        var (_, results) = await world.ReadAsync(Hour, [HistoryWorld.Node(), HistoryWorld.Node(), HistoryWorld.Node()]);
        Assert.All(results, result => Assert.Equal("05:00=0 05:10=10", HistoryWorld.Text(result)));
    }

    [Fact]
    public async Task A_request_that_takes_too_long_is_told_so()
    {
        var time = new FakeTimeProvider();
        using var world = new HistoryWorld(store: _world.Store, time: time);
        var reached = new TaskCompletionSource();
        _world.Store.Before = async ct =>
        {
            reached.TrySetResult();
            await Task.Delay(Timeout.Infinite, ct);
        };
        var reading = world.ReadAsync(Hour, [HistoryWorld.Node(), HistoryWorld.Node()], timeout: TimeSpan.FromSeconds(5));
        await reached.Task;
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.All((await reading).Results, result => Assert.Equal(StatusCodes.BadTimeout, result.StatusCode));
    }

    [Fact]
    public async Task A_cancelled_request_ends_and_lets_the_next_one_in()
    {
        using var world = new HistoryWorld(HistoryLimits.Default with { MaxConcurrentRequests = 1 }, _world.Store);
        using var cancel = new CancellationTokenSource();
        var reached = new TaskCompletionSource();
        _world.Store.Before = async ct =>
        {
            reached.TrySetResult();
            await Task.Delay(Timeout.Infinite, ct);
        };
        var reading = world.ReadAsync(Hour, [HistoryWorld.Node()], cancellationToken: cancel.Token);
        await reached.Task;
        _world.Store.Before = null;
        var waiting = world.ReadAsync(Hour, [HistoryWorld.Node()]);
        Assert.False(waiting.IsCompleted);
        await cancel.CancelAsync();
        Assert.Equal(StatusCodes.BadRequestCancelledByClient, (await reading).Results[0].StatusCode);
        Assert.Equal(StatusCodes.Good, (await waiting).Results[0].StatusCode);
    }

    [Fact]
    public async Task A_store_that_fails_is_told_per_node()
    {
        _world.Store.Before = _ => throw new TelemetryStoreException("locked", isTransient: true);
        Assert.Equal(StatusCodes.BadResourceUnavailable, (await _world.ReadOneAsync(Hour)).StatusCode);
    }

    [Theory]
    [InlineData(false, "05:10=10 05:15=15(0x00000402) 04:00=-(BadNoData) 05:25=25(0x00000402)")]
    [InlineData(true, "05:10=10 05:15=15(0x00000402) 04:00=-(BadNoData) 05:25=25(0x00000402)")]
    public async Task Instants_are_read_in_the_order_asked_for(bool simple, string expected)
    {
        var details = AtTimes(simple, "05:10", "05:15", "04:00", "05:25");
        Assert.Equal(expected, HistoryWorld.Text(await _world.ReadOneAsync(details)));
    }

    [Fact]
    public async Task Instants_tell_what_is_stored_at_them_whatever_its_quality_and_interpolate_over_bad_values()
    {
        _world.Holding("05:20=20! 05:40=40?");
        Assert.Equal(
            "05:20=20(Bad) 05:25=25(0x40A40402) 05:40=40(Uncertain) 05:50=30(0x40A40402)",
            HistoryWorld.Text(await _world.ReadOneAsync(AtTimes(false, "05:20", "05:25", "05:40", "05:50")))
        );
    }

    [Fact]
    public async Task Simple_bounds_do_not_look_over_bad_values()
    {
        _world.Holding("05:20=20!");
        Assert.Equal(
            "05:15=10(0x40A40402) 05:25=-(BadNoData)",
            HistoryWorld.Text(await _world.ReadOneAsync(AtTimes(true, "05:15", "05:25")))
        );
    }

    [Fact]
    public async Task States_hold_until_the_next_one()
    {
        foreach (var (time, on) in new[] { ("05:00", true), ("05:10", false) })
            _world.Store.Add(new TelemetryPoint("on", HistoryWorld.At(time), TelemetryValue.Of(on), default));
        var result = await _world.ReadOneAsync(AtTimes(false, "05:05"), node: NodeId.OfString(3, "press-1/on"));
        Assert.Equal("05:05=1(0x00000402)", HistoryWorld.Text(result));
    }

    [Fact]
    public async Task Too_many_instants_are_refused()
    {
        var details = new ReadAtTimeDetails { ReqTimes = new long[HistoryLimits.Default.MaxTimesPerRead + 1] };
        Assert.Equal(StatusCodes.BadTooManyOperations, (await _world.ReadAsync(details, [HistoryWorld.Node()])).Status);
    }

    [Fact]
    public async Task Intervals_are_computed_over_the_store()
    {
        var result = await _world.ReadOneAsync(Processed(AggregateFunction.TimeAverage, "05:00", "05:30", TimeSpan.FromMinutes(10)));
        Assert.Equal("05:00=5(0x00000401) 05:10=15(0x00000401) 05:20=25(0x00000401)", HistoryWorld.Text(result));
    }

    [Theory]
    [InlineData("05:00", "05:35")]
    [InlineData("05:35", "05:00")]
    public async Task Pages_of_intervals_add_up_to_the_whole(string start, string end)
    {
        foreach (var function in Enum.GetValues<AggregateFunction>())
        {
            var details = Processed(function, start, end, TimeSpan.FromMinutes(3));
            var whole = await _world.ReadOneAsync(details);
            Assert.Null(whole.ContinuationPoint);
            using var world = new HistoryWorld(HistoryLimits.Default with { MaxValuesPerNode = 5 }, _world.Store);
            var pages = new List<string>();
            byte[]? point = null;
            do
            {
                var page = await world.ReadOneAsync(details, point);
                pages.Add(HistoryWorld.Text(page));
                point = page.ContinuationPoint;
            } while (point is not null);
            Assert.Equal(3, pages.Count);
            Assert.Equal(HistoryWorld.Text(whole), string.Join(' ', pages));
        }
    }

    [Fact]
    public async Task Ever_so_many_intervals_cost_one_page()
    {
        var details = Processed(AggregateFunction.Average, "00:00", "23:00", TimeSpan.FromTicks(1));
        var result = await _world.ReadOneAsync(details);
        Assert.NotNull(result.ContinuationPoint);
        Assert.Equal(HistoryLimits.Default.MaxValuesPerNode, HistoryWorld.Text(result).Count(c => c == '='));
    }

    [Fact]
    public async Task Annotations_are_not_kept_so_there_are_none() =>
        Assert.Equal(
            "05:00=0(0x00000401)",
            HistoryWorld.Text(await _world.ReadOneAsync(Processed(AggregateFunction.AnnotationCount, "05:00", "05:30", TimeSpan.Zero)))
        );

    [Fact]
    public async Task The_list_of_aggregates_must_be_as_long_as_that_of_nodes()
    {
        var details = Processed(AggregateFunction.Average, "05:00", "05:30", TimeSpan.FromMinutes(10));
        var (status, _) = await _world.ReadAsync(details, [HistoryWorld.Node(), HistoryWorld.Node()]);
        Assert.Equal(StatusCodes.BadAggregateListMismatch, status);
    }

    [Fact]
    public async Task What_cannot_be_computed_is_refused_per_node()
    {
        var ten = TimeSpan.FromMinutes(10);
        Assert.Equal(
            StatusCodes.BadAggregateNotSupported,
            (await _world.ReadOneAsync(Processed((AggregateFunction)2345, "05:00", "05:30", ten))).StatusCode
        );
        Assert.Equal(
            StatusCodes.BadInvalidTimestampArgument,
            (await _world.ReadOneAsync(Processed(AggregateFunction.Count, "05:00", "05:00", ten))).StatusCode
        );
        Assert.Equal(
            StatusCodes.BadAggregateInvalidInputs,
            (await _world.ReadOneAsync(Processed(AggregateFunction.Count, "05:00", "05:30", -ten))).StatusCode
        );
        Assert.Equal(
            StatusCodes.BadAggregateConfigurationRejected,
            (
                await _world.ReadOneAsync(Processed(AggregateFunction.Count, "05:00", "05:30", ten, percentBad: 30, percentGood: 50))
            ).StatusCode
        );
    }

    [Fact]
    public async Task Text_is_no_number_to_an_aggregate()
    {
        _world.Store.Add(new TelemetryPoint("text", HistoryWorld.At("05:05"), TelemetryValue.OfText("open"), default));
        var node = NodeId.OfString(3, "press-1/text");
        var average = await _world.ReadOneAsync(Processed(AggregateFunction.Average, "05:00", "06:00", TimeSpan.Zero), node: node);
        Assert.Equal("05:00=-(BadNoData)", HistoryWorld.Text(average));
    }

    private static ReadAtTimeDetails AtTimes(bool simple, params string[] times) =>
        new() { ReqTimes = [.. times.Select(HistoryWorld.Ua)], UseSimpleBounds = simple };

    private static ReadProcessedDetails Processed(
        AggregateFunction function,
        string start,
        string end,
        TimeSpan interval,
        byte percentBad = 100,
        byte percentGood = 100
    ) =>
        new()
        {
            StartTime = HistoryWorld.Ua(start),
            EndTime = HistoryWorld.Ua(end),
            ProcessingInterval = interval.TotalMilliseconds,
            AggregateType = [NodeId.Of((uint)function)],
            AggregateConfiguration = new AggregateConfiguration
            {
                TreatUncertainAsBad = true,
                PercentDataBad = percentBad,
                PercentDataGood = percentGood,
            },
        };
}
