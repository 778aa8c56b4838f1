using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.History;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Tests.History;

/// <summary>Historical Access: raw reads, their bounds, limits and continuation points.</summary>
public sealed class RawHistoryTests : IDisposable
{
    private readonly HistoryWorld _world = new HistoryWorld().Holding("05:00=0 05:02=2 05:03=3 05:05=5 05:06=6");

    public void Dispose() => _world.Dispose();

    [Theory]
    // A range, oldest first: it holds its start and not its end.
    [InlineData("05:00", "05:05", 0, false, "05:00=0 05:02=2 05:03=3")]
    [InlineData("05:00", "05:05", 0, true, "05:00=0 05:02=2 05:03=3 05:05=5")]
    [InlineData("05:01", "05:04", 0, false, "05:02=2 05:03=3")]
    [InlineData("05:01", "05:04", 0, true, "05:00=0 05:02=2 05:03=3 05:05=5")]
    [InlineData("04:00", "05:01", 0, true, "04:00=-(BadBoundNotFound) 05:00=0 05:02=2")]
    [InlineData("05:05", "05:08", 0, true, "05:05=5 05:06=6 05:08=-(BadBoundNotFound)")]
    [InlineData("05:07", "05:09", 0, true, "05:06=6 05:09=-(BadBoundNotFound)")]
    [InlineData("05:03", "05:03", 0, false, "05:03=3")]
    [InlineData("05:03", "05:03", 0, true, "05:03=3")]
    // Newest first.
    [InlineData("05:05", "05:00", 0, false, "05:05=5 05:03=3 05:02=2")]
    [InlineData("05:05", "05:00", 0, true, "05:05=5 05:03=3 05:02=2 05:00=0")]
    [InlineData("05:04", "05:01", 0, false, "05:03=3 05:02=2")]
    [InlineData("05:04", "05:01", 0, true, "05:05=5 05:03=3 05:02=2 05:00=0")]
    [InlineData("05:08", "04:00", 0, true, "05:08=-(BadBoundNotFound) 05:06=6 05:05=5 05:03=3 05:02=2 05:00=0 04:00=-(BadBoundNotFound)")]
    // A start and a number, or an end and a number.
    [InlineData("05:00", null, 3, false, "05:00=0 05:02=2 05:03=3")]
    [InlineData("05:01", null, 3, true, "05:00=0 05:02=2 05:03=3")]
    [InlineData(null, "05:04", 3, false, "05:03=3 05:02=2 05:00=0")]
    [InlineData(null, "05:04", 3, true, "05:05=5 05:03=3 05:02=2")]
    [InlineData(null, "23:00", 2, false, "05:06=6 05:05=5")]
    [InlineData("05:00", "05:05", 2, false, "05:00=0 05:02=2")]
    [InlineData("05:05", "05:00", 2, false, "05:05=5 05:03=3")]
    public async Task A_raw_read_gives_the_values_of_its_range(string? start, string? end, int count, bool bounds, string expected) =>
        Assert.Equal(expected, HistoryWorld.Text(await _world.ReadRawAsync(start, end, (uint)count, bounds)));

    [Theory]
    [InlineData("05:00", "05:05", false)]
    [InlineData("05:05", "05:00", false)]
    [InlineData("05:01", "05:04", true)]
    [InlineData("05:04", "05:01", true)]
    [InlineData("04:00", "06:00", true)]
    [InlineData("06:00", "04:00", true)]
    [InlineData("05:00", null, false)]
    [InlineData(null, "05:06", false)]
    public async Task Pages_of_any_size_add_up_to_the_whole(string? start, string? end, bool bounds)
    {
        var whole = HistoryWorld.Text(await _world.ReadRawAsync(start, end, start is null || end is null ? 100u : 0, bounds));
        for (var size = 1u; size < 8; size++)
        {
            var pages = new List<string>();
            byte[]? point = null;
            do
            {
                var page = await _world.ReadRawAsync(start, end, size, bounds, point);
                Assert.Equal(page.ContinuationPoint is null ? StatusCodes.Good : StatusCodes.GoodMoreData, page.StatusCode);
                pages.Add(HistoryWorld.Text(page));
                point = page.ContinuationPoint;
                Assert.InRange(pages[^1].Count(c => c == '='), 1, (int)size);
            } while (point is not null);
            Assert.Equal(whole, string.Join(' ', pages));
        }
    }

    [Fact]
    public async Task The_server_pages_by_its_own_limit_if_no_number_is_asked_for()
    {
        using var world = new HistoryWorld(HistoryLimits.Default with { MaxValuesPerNode = 2 }, _world.Store);
        var first = await world.ReadRawAsync("05:00", "06:00");
        Assert.Equal("05:00=0 05:02=2", HistoryWorld.Text(first));
        Assert.Equal("05:03=3 05:05=5", HistoryWorld.Text(await world.ReadRawAsync("05:00", "06:00", point: first.ContinuationPoint)));
    }

    [Fact]
    public async Task Large_texts_end_a_page_by_their_bytes()
    {
        using var world = new HistoryWorld(HistoryLimits.Default with { MaxBytesPerNode = 1000 });
        for (var i = 0; i < 5; i++)
            world.Store.Add(new TelemetryPoint("level", HistoryWorld.At($"05:0{i}"), TelemetryValue.OfText(new string('x', 900)), default));
        var (values, pages) = (0, 0);
        for (byte[]? point = null; pages == 0 || point is not null; pages++)
        {
            var page = await world.ReadRawAsync("05:00", "06:00", point: point);
            values += HistoryWorld.Text(page).Count(c => c == '=');
            point = page.ContinuationPoint;
        }

        Assert.Equal((5, 3), (values, pages));
    }

    [Fact]
    public async Task A_range_without_values_is_good_and_empty()
    {
        var result = await _world.ReadRawAsync("06:00", "07:00");
        Assert.Equal((StatusCodes.GoodNoData, ""), (result.StatusCode, HistoryWorld.Text(result)));
    }

    [Fact]
    public async Task Quality_travels_as_status()
    {
        _world.Holding("05:10=1? 05:11=2!");
        Assert.Equal("05:10=1(Uncertain) 05:11=2(Bad)", HistoryWorld.Text(await _world.ReadRawAsync("05:10", "06:00")));
    }

    [Theory]
    [InlineData("05:00", null, 0)]
    [InlineData(null, "05:00", 0)]
    [InlineData(null, null, 5)]
    [InlineData(null, null, 0)]
    public async Task Two_of_start_end_and_number_must_be_given(string? start, string? end, int count) =>
        Assert.Equal(StatusCodes.BadHistoryOperationInvalid, (await _world.ReadRawAsync(start, end, (uint)count)).StatusCode);

    [Theory]
    [InlineData(false, 0x80720000)]
    [InlineData(true, 0x80AB0000)]
    public async Task Modified_values_are_not_kept_and_have_no_bounds(bool bounds, uint status) =>
        Assert.Equal(new StatusCode(status), (await _world.ReadRawAsync("05:00", "06:00", bounds: bounds, modified: true)).StatusCode);

    [Fact]
    public async Task A_point_is_good_for_one_use()
    {
        var first = await _world.ReadRawAsync("05:00", "06:00", 2);
        Assert.Equal("05:03=3 05:05=5", HistoryWorld.Text(await _world.ReadRawAsync("05:00", "06:00", 2, point: first.ContinuationPoint)));
        var again = await _world.ReadRawAsync("05:00", "06:00", 2, point: first.ContinuationPoint);
        Assert.Equal(StatusCodes.BadContinuationPointInvalid, again.StatusCode);
    }

    [Fact]
    public async Task A_point_is_good_for_its_question_alone()
    {
        var first = await _world.ReadRawAsync("05:00", "06:00", 2);
        Assert.Equal(
            StatusCodes.BadContinuationPointInvalid,
            (await _world.ReadRawAsync("04:00", "06:00", 2, point: first.ContinuationPoint)).StatusCode
        );
        Assert.Equal(
            StatusCodes.BadContinuationPointInvalid,
            (await _world.ReadRawAsync("05:00", "06:00", 2, bounds: true, point: first.ContinuationPoint)).StatusCode
        );
        var other = HistoryWorld.Node(NodeId.OfString(3, "press-1/other"), first.ContinuationPoint);
        var (_, results) = await _world.ReadAsync(
            new ReadRawModifiedDetails
            {
                StartTime = HistoryWorld.Ua("05:00"),
                EndTime = HistoryWorld.Ua("06:00"),
                NumValuesPerNode = 2,
            },
            [other]
        );
        Assert.Equal(StatusCodes.BadContinuationPointInvalid, results[0].StatusCode);
        // None of it used the point up.
        Assert.Equal("05:03=3 05:05=5", HistoryWorld.Text(await _world.ReadRawAsync("05:00", "06:00", 2, point: first.ContinuationPoint)));
    }

    [Fact]
    public async Task A_point_is_no_good_in_another_session()
    {
        using var other = new HistoryWorld(store: _world.Store);
        await other.ReadRawAsync("05:00", "06:00", 2);
        var first = await _world.ReadRawAsync("05:00", "06:00", 2);
        var result = await other.ReadRawAsync("05:00", "06:00", 2, point: first.ContinuationPoint);
        Assert.Equal(StatusCodes.BadContinuationPointInvalid, result.StatusCode);
    }

    [Fact]
    public async Task No_bit_of_a_point_can_be_changed()
    {
        for (var bit = 0; bit < 32 * 8; bit++)
        {
            var point = (await _world.ReadRawAsync("05:00", "06:00", 2)).ContinuationPoint!;
            point[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Equal(
                StatusCodes.BadContinuationPointInvalid,
                (await _world.ReadRawAsync("05:00", "06:00", 2, point: point)).StatusCode
            );
        }
    }

    [Fact]
    public async Task Released_points_are_gone_and_give_no_data()
    {
        var first = await _world.ReadRawAsync("05:00", "06:00", 2);
        var details = new ReadRawModifiedDetails { StartTime = HistoryWorld.Ua("05:00"), EndTime = HistoryWorld.Ua("06:00") };
        var (_, results) = await _world.ReadAsync(
            details,
            [HistoryWorld.Node(point: first.ContinuationPoint), HistoryWorld.Node()],
            release: true
        );
        Assert.Equal([StatusCodes.Good, StatusCodes.BadContinuationPointInvalid], results.Select(r => r.StatusCode));
        Assert.All(results, result => Assert.True(result.HistoryData.IsNull && result.ContinuationPoint is null));
        Assert.Equal(
            StatusCodes.BadContinuationPointInvalid,
            (await _world.ReadRawAsync("05:00", "06:00", 2, point: first.ContinuationPoint)).StatusCode
        );
    }

    [Fact]
    public async Task Too_many_points_push_out_the_oldest()
    {
        using var world = new HistoryWorld(HistoryLimits.Default with { MaxContinuationPoints = 3 }, _world.Store);
        var points = new List<byte[]>();
        for (var i = 0; i < 5; i++)
            points.Add((await world.ReadRawAsync("05:00", "06:00", 2)).ContinuationPoint!);
        Assert.Equal(3, world.ContinuationPoints.Count);
        var good = new List<bool>();
        foreach (var point in points)
            good.Add((await world.ReadRawAsync("05:00", "06:00", 100, point: point)).StatusCode.IsGood);
        Assert.Equal([false, false, true, true, true], good);
    }

    [Fact]
    public async Task Finding_a_bound_reads_no_more_than_the_end_of_what_is_before()
    {
        var store = new MemoryTelemetry();
        for (var i = 0; i < 20_000; i++)
            store.Add(HistoryWorld.Day.AddSeconds(i), i);
        using var world = new HistoryWorld(store: store);
        var result = await world.ReadRawAsync("05:30", "05:31", 1, bounds: true);
        Assert.Equal("05:30=19800", HistoryWorld.Text(result));
        var before = store.Read;
        Assert.Equal("05:33=19999 10:00=-(BadBoundNotFound)", HistoryWorld.Text(await world.ReadRawAsync("09:00", "10:00", bounds: true)));
        Assert.InRange(store.Read - before, 1, 10);
        before = store.Read;
        Assert.Equal(100, HistoryWorld.Text(await world.ReadRawAsync(null, "10:00", 100)).Count(c => c == '='));
        Assert.InRange(store.Read - before, 100, 500);
    }

    [Fact]
    public async Task A_bound_that_lies_too_far_away_is_not_found()
    {
        using var world = new HistoryWorld(HistoryLimits.Default with { MaxBoundDistance = TimeSpan.FromHours(1) }, _world.Store);
        Assert.StartsWith(
            "06:07=-(BadBoundNotFound)",
            HistoryWorld.Text(await world.ReadRawAsync("06:07", "07:00", bounds: true)),
            StringComparison.Ordinal
        );
        Assert.StartsWith(
            "05:06=6 ",
            HistoryWorld.Text(await world.ReadRawAsync("06:05", "07:00", bounds: true)),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("00:00", null, 3)]
    [InlineData("00:00", "23:00", 3)]
    [InlineData(null, "23:00", 3)]
    public async Task However_long_the_range_no_more_is_read_than_is_answered(string? start, string? end, int count)
    {
        using var world = new HistoryWorld();
        for (var minute = 0; minute < 1000; minute++)
            world.Store.Add(HistoryWorld.Day.AddMinutes(minute), minute);
        var result = await world.ReadRawAsync(start, end, (uint)count);
        Assert.Equal(count, HistoryWorld.Text(result).Split(' ').Length);

        // Back from the end the store is read in stretches that grow; the last one may have held more.
        Assert.InRange(world.Store.Read, count, start is null ? 16 * count : count + 1);
    }

    [Theory]
    [InlineData(1601)]
    [InlineData(1970)]
    public async Task A_start_at_an_epoch_is_paged_like_any_other(int year)
    {
        using var world = new HistoryWorld(HistoryLimits.Default with { MaxValuesPerNode = 10 });
        for (var minute = 0; minute < 1000; minute++)
            world.Store.Add(HistoryWorld.Day.AddMinutes(minute), minute);
        var details = new ReadRawModifiedDetails
        {
            // One tick into 1601: 0 would say that there is no start.
            StartTime = UaDateTime.From(new DateTime(year, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddTicks(1)),
            EndTime = HistoryWorld.Ua("23:00"),
        };
        var result = await world.ReadOneAsync(details);
        Assert.Equal(10, HistoryWorld.Text(result).Split(' ').Length);
        Assert.NotNull(result.ContinuationPoint);
        Assert.Equal(11, world.Store.Read);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task No_page_has_a_value_outside_of_its_range(bool newestFirst)
    {
        using var world = new HistoryWorld();
        for (var minute = 0; minute < 60; minute++)
            world.Store.Add(HistoryWorld.Day.AddMinutes(minute), minute);
        var (start, end) = newestFirst ? ("00:40", "00:20") : ("00:20", "00:40");
        byte[]? point = null;
        var read = new List<string>();
        do
        {
            var result = await world.ReadRawAsync(start, end, 7, point: point);
            point = result.ContinuationPoint;

            // Values that come meanwhile, on both sides of the range.
            world.Store.Add(HistoryWorld.Day.AddMinutes(19).AddSeconds(read.Count + 1), -1);
            world.Store.Add(HistoryWorld.Day.AddMinutes(40).AddSeconds(read.Count + 1), -1);
            read.AddRange(HistoryWorld.Text(result).Split(' '));
        } while (point is not null);

        var minutes = newestFirst ? Enumerable.Range(21, 20).Reverse() : Enumerable.Range(20, 20);
        Assert.Equal(minutes.Select(minute => $"00:{minute}={minute}"), read);
    }
}
