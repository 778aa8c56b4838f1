using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Tests.Server;

/// <summary>RFC 7252 §4 and §5, over a wire and a clock of the test's own.</summary>
public sealed class ExchangeTests
{
    private const string Reading = """{"data":{"temp":21.5}}""";

    [Fact]
    public async Task A_reading_is_acknowledged_with_its_token_once_it_is_stored()
    {
        await using var world = await CoapWorld.StartAsync();
        world.HoldCommits();
        var id = world.Post(Reading);
        await world.HeldWrite;
        Assert.Null(world.Wire.Next());
        world.ReleaseCommits();
        var answer = await world.Wire.NextAsync();
        Assert.Equal((CoapType.Acknowledgement, CoapCode.Changed, id), (answer.Type, answer.Code, answer.Id));
        Assert.Equal([7], answer.Token);
        Assert.Equal(("plant", "press", "temp", TelemetryValue.Of(21.5)), Assert.Single(world.Stored));
    }

    [Fact]
    public async Task A_duplicate_is_answered_again_and_not_stored_again()
    {
        await using var world = await CoapWorld.StartAsync();
        var id = world.Post(Reading);
        var first = await world.Wire.NextAsync();
        world.Post(Reading, id: id);
        var second = await world.Wire.NextAsync();
        Assert.Equal(first.Datagram, second.Datagram);
        Assert.Single(world.Stored);
    }

    [Fact]
    public async Task A_duplicate_that_overtakes_the_commit_is_left_to_its_answer()
    {
        await using var world = await CoapWorld.StartAsync();
        await PrimeAsync(world);
        world.HoldCommits();
        var id = world.Post(Reading);
        await world.HeldWrite;
        world.Post(Reading, id: id);
        world.ReleaseCommits();
        Assert.Equal(CoapCode.Changed, (await world.Wire.NextAsync()).Code);
        Assert.Equal(2, world.Stored.Count);
        Assert.Null(world.Wire.Next());
    }

    [Fact]
    public async Task A_message_id_is_new_again_after_247_seconds()
    {
        await using var world = await CoapWorld.StartAsync();
        var id = world.Post(Reading);
        await world.Wire.NextAsync();
        world.Pass(TimeSpan.FromSeconds(240));
        world.Post(Reading, id: id);
        await world.Wire.NextAsync();
        Assert.Single(world.Stored);
        world.Pass(TimeSpan.FromSeconds(252));
        world.Post(Reading, id: id);
        await world.Wire.NextAsync();
        Assert.Equal(2, world.Stored.Count);
    }

    [Fact]
    public async Task A_peer_may_send_more_messages_than_there_are_ids()
    {
        await using var world = await CoapWorld.StartAsync();
        await PrimeAsync(world);
        for (var i = 0; i < 70_000; i++)
        {
            world.Post(Reading, id: (ushort)(i + 1));
            Assert.Equal(CoapCode.Changed, (await world.Wire.NextAsync()).Code);
            if (i % 100 == 0)
                world.Pass(TimeSpan.FromMilliseconds(500));
        }

        Assert.Equal(70_001, world.Stored.Count);
    }

    [Fact]
    public async Task A_commit_that_takes_long_is_acknowledged_by_itself_and_answered_apart_from_it()
    {
        await using var world = await CoapWorld.StartAsync();
        await PrimeAsync(world);
        world.HoldCommits();
        var id = world.Post(Reading);
        await world.HeldWrite;
        world.Pass(TimeSpan.FromSeconds(1.1));
        var empty = await world.Wire.NextAsync();
        Assert.Equal((CoapType.Acknowledgement, default(CoapCode), id), (empty.Type, empty.Code, empty.Id));

        // Its duplicate was received too, and is told so.
        world.Post(Reading, id: id);
        Assert.Equal((CoapType.Acknowledgement, default(CoapCode)), await TypeAndCodeAsync(world));

        world.ReleaseCommits();
        var answer = await world.Wire.NextAsync();
        Assert.Equal((CoapType.Confirmable, CoapCode.Changed), (answer.Type, answer.Code));
        Assert.Equal([7], answer.Token);
        world.Receive(Wire.Empty(CoapType.Acknowledgement, answer.Id));
        world.Pass(TimeSpan.FromSeconds(100));
        Assert.Null(world.Wire.Next());
    }

    [Fact]
    public async Task A_separate_answer_is_sent_again_at_doubling_intervals_until_it_is_given_up()
    {
        await using var world = await CoapWorld.StartAsync();
        await PrimeAsync(world);
        world.HoldCommits();
        world.Post(Reading);
        await world.HeldWrite;
        world.Pass(TimeSpan.FromSeconds(1.1));
        await world.Wire.NextAsync();
        world.ReleaseCommits();
        var answer = await world.Wire.NextAsync();

        var times = new List<double>();
        for (var elapsed = 0.0; elapsed < 120; elapsed += 0.1)
        {
            world.Pass(TimeSpan.FromSeconds(0.1));
            if (world.Wire.Next() is not { } again)
                continue;
            Assert.Equal(answer.Datagram, again.Datagram);
            times.Add(elapsed);
        }

        // RFC 7252 §4.2: the first time-out is 2 to 3 s, each next twice the former; four repeats.
        Assert.Equal(4, times.Count);
        Assert.InRange(times[0], 1.8, 3.1);
        for (var i = 1; i < 4; i++)
            Assert.InRange((times[i] - times[i - 1]) / (i == 1 ? times[0] : times[i - 1] - times[i - 2]), 1.8, 2.2);
    }

    [Fact]
    public async Task A_ping_is_answered_by_a_reset()
    {
        await using var world = await CoapWorld.StartAsync();
        world.Receive(Wire.Empty(CoapType.Confirmable, 9));
        var answer = await world.Wire.NextAsync();
        Assert.Equal((CoapType.Reset, default(CoapCode), (ushort)9), (answer.Type, answer.Code, answer.Id));
    }

    [Theory]
    [InlineData("40017d34ff", true)] // CON
    [InlineData("50017d34ff", false)] // NON
    [InlineData("60457d34ff", false)] // ACK
    [InlineData("70007d34ff", false)] // RST
    [InlineData("40457d34", true)] // a response nobody asked for
    [InlineData("50457d34", false)]
    [InlineData("60457d34", false)]
    [InlineData("40217d34", true)] // reserved classes
    [InlineData("40c17d34", true)]
    [InlineData("40e17d34", true)]
    [InlineData("60017d34", false)] // a request as an ACK
    [InlineData("00017d34", false)] // another version
    public async Task Only_a_confirmable_message_that_means_nothing_is_reset(string hex, bool isReset)
    {
        await using var world = await CoapWorld.StartAsync();
        world.Receive(Convert.FromHexString(hex));
        if (isReset)
            Assert.Equal((CoapType.Reset, default(CoapCode)), await TypeAndCodeAsync(world));
        else
            Assert.Null(world.Wire.Next());
    }

    [Fact]
    public async Task An_unknown_critical_option_is_refused_and_an_elective_one_passed_over()
    {
        await using var world = await CoapWorld.StartAsync();
        Assert.Equal(CoapCode.BadOption, (await world.AskAsync(CoapCode.Get, "time", null, (9, [1]))).Code);
        Assert.Equal(CoapCode.Content, (await world.AskAsync(CoapCode.Get, "time", null, (2048, [1]))).Code);
        Assert.Equal(CoapCode.BadOption, (await world.AskAsync(CoapCode.Get, "time", null, (17, [0]), (17, [0]))).Code);
        Assert.Equal(CoapCode.ProxyingNotSupported, (await world.AskAsync(CoapCode.Get, "time", null, (35, "coap://x"u8.ToArray()))).Code);
    }

    [Fact]
    public async Task A_response_that_is_not_wanted_is_not_sent()
    {
        await using var world = await CoapWorld.StartAsync();
        byte[] no2xx = [2];
        world.Receive(
            Wire.Request(
                CoapType.NonConfirmable,
                CoapCode.Post,
                1,
                [1],
                "telemetry?" + CoapWorld.Token,
                """{"data":{"n":1}}"""u8,
                (CoapOptionNumber.NoResponse, no2xx)
            )
        );
        world.Receive(
            Wire.Request(
                CoapType.Confirmable,
                CoapCode.Post,
                2,
                [2],
                "telemetry?" + CoapWorld.Token,
                """{"data":{"n":2}}"""u8,
                (CoapOptionNumber.NoResponse, no2xx)
            )
        );
        world.Receive(
            Wire.Request(
                CoapType.NonConfirmable,
                CoapCode.Post,
                3,
                [3],
                "telemetry?" + CoapWorld.Token,
                "{"u8,
                (CoapOptionNumber.NoResponse, no2xx)
            )
        );

        // RFC 7967 §2.1: the CON is acknowledged without a response, the error is told.
        var answers = new[] { await world.Wire.NextAsync(), await world.Wire.NextAsync() };
        Assert.Contains(answers, answer => answer is { Type: CoapType.Acknowledgement, Id: 2, Token.Length: 0 } && answer.Code == default);
        Assert.Contains(answers, answer => answer.Type == CoapType.NonConfirmable && answer.Code == CoapCode.BadRequest);
        Assert.Null(world.Wire.Next());
        Assert.Equal(2, world.Stored.Count);
    }

    [Fact]
    public async Task A_reading_that_is_not_confirmable_is_answered_likewise()
    {
        await using var world = await CoapWorld.StartAsync();
        world.Post(Reading, CoapType.NonConfirmable);
        Assert.Equal((CoapType.NonConfirmable, CoapCode.Changed), await TypeAndCodeAsync(world));
    }

    [Fact]
    public async Task Answers_that_are_not_acknowledgements_have_ids_of_their_own()
    {
        await using var world = await CoapWorld.StartAsync();
        var ids = new HashSet<ushort>();
        for (var i = 0; i < 1000; i++)
        {
            world.Post(Reading, CoapType.NonConfirmable);
            Assert.True(ids.Add((await world.Wire.NextAsync()).Id));
        }
    }

    private static async Task PrimeAsync(CoapWorld world)
    {
        world.Post(Reading);
        await world.Wire.NextAsync();
    }

    private static async Task<(CoapType, CoapCode)> TypeAndCodeAsync(CoapWorld world)
    {
        var sent = await world.Wire.NextAsync();
        return (sent.Type, sent.Code);
    }
}
