using System.Text;
using Insa.Iiot.Protocols.Coap.Client;
using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Tests.Client;

public sealed class ClientMessageTests : IAsyncDisposable
{
    private readonly ScriptedPeer _peer = new();

    public ValueTask DisposeAsync() => _peer.DisposeAsync();

    [Fact]
    public async Task A_request_is_answered_by_what_comes_with_the_acknowledgement()
    {
        await using var client = _peer.MakeClient();
        var asking = client.GetAsync("/a");
        var request = await _peer.NextAsync();
        Assert.Equal((CoapType.Confirmable, CoapCode.Get, 8), (request.Type, request.Code, request.Token.Length));
        _peer.Answer(request, CoapCode.Content, "hi", ScriptedPeer.Option(CoapOptionNumber.MaxAge, 7));
        var response = await asking;
        Assert.Equal((CoapCode.Content, "hi"), (response.Code, Encoding.UTF8.GetString(response.Payload.Span)));
        Assert.Equal(TimeSpan.FromSeconds(7), response.MaxAge);
        _peer.AssertSilent();
    }

    [Fact]
    public async Task A_lost_request_is_sent_again_after_2_4_8_and_16_s_and_given_up_after_62()
    {
        await using var client = _peer.MakeClient();
        var asking = client.GetAsync("/a");
        var request = await _peer.NextAsync();
        foreach (var seconds in new[] { 2, 4, 8, 16 })
        {
            _peer.Time.Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromTicks(1));
            _peer.AssertSilent();
            _peer.Time.Advance(TimeSpan.FromTicks(1));
            var again = await _peer.NextAsync();
            Assert.Equal((request.Id, request.Code), (again.Id, again.Code));
            Assert.Equal(request.Token, again.Token);
        }

        _peer.Time.Advance(TimeSpan.FromSeconds(32) - TimeSpan.FromTicks(1));
        Assert.False(asking.IsCompleted);
        _peer.Time.Advance(TimeSpan.FromTicks(1));
        Assert.Equal(CoapError.NoAcknowledgement, (await Assert.ThrowsAsync<CoapException>(() => asking)).Error);
        _peer.AssertSilent();
    }

    [Fact]
    public async Task The_first_wait_is_random_between_the_time_out_and_its_factor()
    {
        await using var client = _peer.MakeClient(options => (options.AckRandomFactor, options.Nstart) = (1.5, 64));
        var asking = Enumerable.Range(0, 64).Select(_ => client.GetAsync("/a")).ToArray();
        for (var i = 0; i < 64; i++)
            await _peer.NextAsync();
        _peer.Time.Advance(TimeSpan.FromSeconds(2) - TimeSpan.FromTicks(1));
        _peer.AssertSilent();
        _peer.Time.Advance(TimeSpan.FromSeconds(0.5));
        await _peer.NextAsync();
        _peer.Time.Advance(TimeSpan.FromSeconds(0.5) + TimeSpan.FromTicks(1));
        for (var i = 1; i < 64; i++)
            await _peer.NextAsync();
        _peer.AssertSilent();
        await client.DisposeAsync();
        foreach (var task in asking)
            await Assert.ThrowsAsync<ObjectDisposedException>(() => task);
    }

    [Fact]
    public async Task A_separate_response_is_acknowledged_and_its_duplicates_too_but_given_once()
    {
        await using var client = _peer.MakeClient();
        var asking = client.GetAsync("/slow");
        var request = await _peer.NextAsync();
        _peer.Acknowledge(request);
        _peer.Time.Advance(TimeSpan.FromSeconds(50));
        _peer.AssertSilent();
        for (var i = 0; i < 3; i++)
        {
            _peer.Say(CoapType.Confirmable, CoapCode.Content, 77, request.Token, "late");
            var answer = await _peer.NextAsync();
            Assert.Equal((CoapType.Acknowledgement, (ushort)77, 0), (answer.Type, answer.Id, answer.Token.Length));
            Assert.Equal("late", Encoding.UTF8.GetString((await asking).Payload.Span));
        }
    }

    [Fact]
    public async Task A_separate_response_before_the_acknowledgement_stands_for_it()
    {
        await using var client = _peer.MakeClient();
        var asking = client.GetAsync("/slow");
        var request = await _peer.NextAsync();
        _peer.Say(CoapType.Confirmable, CoapCode.Content, 77, request.Token, "first");
        Assert.Equal(CoapType.Acknowledgement, (await _peer.NextAsync()).Type);
        await asking;
        _peer.Acknowledge(request);
        _peer.Time.Advance(TimeSpan.FromMinutes(2));
        _peer.AssertSilent();
    }

    [Fact]
    public async Task A_response_that_is_not_confirmable_is_not_acknowledged()
    {
        await using var client = _peer.MakeClient();
        var asking = client.GetAsync("/a");
        var request = await _peer.NextAsync();
        _peer.Say(CoapType.NonConfirmable, CoapCode.Content, 77, request.Token, "non");
        await asking;
        _peer.AssertSilent();
    }

    [Fact]
    public async Task A_reset_fails_the_request()
    {
        await using var client = _peer.MakeClient();
        var asking = client.GetAsync("/a");
        _peer.Reset(await _peer.NextAsync());
        var error = await Assert.ThrowsAsync<CoapException>(() => asking);
        Assert.Equal((CoapError.Reset, false), (error.Error, error.IsTransient));
    }

    [Fact]
    public async Task A_reset_fails_a_request_that_is_not_confirmable()
    {
        await using var client = _peer.MakeClient();
        var asking = client.SendAsync(new CoapRequest(CoapCode.Get, "/a") { IsConfirmable = false });
        _peer.Reset(await _peer.NextAsync());
        Assert.Equal(CoapError.Reset, (await Assert.ThrowsAsync<CoapException>(() => asking)).Error);
    }

    [Fact]
    public async Task A_request_that_is_not_confirmable_is_sent_once_and_times_out()
    {
        await using var client = _peer.MakeClient();
        var asking = client.SendAsync(new CoapRequest(CoapCode.Get, "/a") { IsConfirmable = false });
        Assert.Equal(CoapType.NonConfirmable, (await _peer.NextAsync()).Type);
        _peer.Time.Advance(TimeSpan.FromSeconds(92));
        Assert.False(asking.IsCompleted);
        _peer.AssertSilent();
        _peer.Time.Advance(TimeSpan.FromSeconds(1));
        var error = await Assert.ThrowsAsync<CoapException>(() => asking);
        Assert.Equal((CoapError.Timeout, true), (error.Error, error.IsTransient));
    }

    [Fact]
    public async Task A_response_that_never_comes_after_the_acknowledgement_times_out()
    {
        await using var client = _peer.MakeClient();
        var asking = client.GetAsync("/a");
        _peer.Acknowledge(await _peer.NextAsync());
        _peer.Time.Advance(TimeSpan.FromSeconds(93));
        Assert.Equal(CoapError.Timeout, (await Assert.ThrowsAsync<CoapException>(() => asking)).Error);
    }

    [Fact]
    public async Task Who_cancels_gets_a_cancellation_and_nothing_is_sent_any_more()
    {
        await using var client = _peer.MakeClient();
        using var cancelling = new CancellationTokenSource();
        var asking = client.GetAsync("/a", cancelling.Token);
        var request = await _peer.NextAsync();
        await cancelling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
        _peer.Time.Advance(TimeSpan.FromMinutes(2));
        _peer.AssertSilent();

        // What comes late is rejected, for the server to forget it.
        _peer.Say(CoapType.Confirmable, CoapCode.Content, 5, request.Token, "late");
        Assert.Equal((CoapType.Reset, (ushort)5), Summary(await _peer.NextAsync()));
    }

    [Fact]
    public async Task Who_cancels_before_its_turn_leaves_the_queue()
    {
        await using var client = _peer.MakeClient();
        using var cancelling = new CancellationTokenSource();
        var first = client.GetAsync("/first");
        var second = client.GetAsync("/second", cancelling.Token);
        var third = client.GetAsync("/third");
        await cancelling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        _peer.Answer(await _peer.NextAsync(), CoapCode.Content);
        var request = await _peer.NextAsync();
        Assert.Equal(["third"], request.Texts(CoapOptionNumber.UriPath));
        _peer.Answer(request, CoapCode.Content);
        await Task.WhenAll(first, third);
    }

    [Fact]
    public async Task One_request_is_on_its_way_at_a_time_until_it_is_acknowledged()
    {
        await using var client = _peer.MakeClient();
        var first = client.GetAsync("/1");
        var second = client.GetAsync("/2");
        var request = await _peer.NextAsync();
        _peer.AssertSilent();
        _peer.Acknowledge(request);
        var next = await _peer.NextAsync();
        Assert.NotEqual(request.Id, next.Id);
        Assert.NotEqual(request.Token, next.Token);

        // The answers may come in any order.
        _peer.Answer(next, CoapCode.Content, "2");
        Assert.Equal("2", Encoding.UTF8.GetString((await second).Payload.Span));
        _peer.Say(CoapType.NonConfirmable, CoapCode.Content, 9, request.Token, "1");
        Assert.Equal("1", Encoding.UTF8.GetString((await first).Payload.Span));
    }

    [Fact]
    public async Task Several_are_on_their_way_if_Nstart_says_so_and_a_full_queue_takes_no_more()
    {
        await using var client = _peer.MakeClient(options => (options.Nstart, options.MaxPendingRequests) = (2, 1));
        var taken = new[] { client.GetAsync("/1"), client.GetAsync("/2"), client.GetAsync("/3") };
        var error = await Assert.ThrowsAsync<CoapException>(() => client.GetAsync("/4"));
        Assert.Equal((CoapError.Busy, true), (error.Error, error.IsTransient));
        for (var i = 0; i < taken.Length; i++)
            _peer.Answer(await _peer.NextAsync(), CoapCode.Content);
        await Task.WhenAll(taken);
    }

    [Fact]
    public async Task What_nothing_answers_waits_for_nobody()
    {
        await using var client = _peer.MakeClient();
        var asking = client.GetAsync("/a");
        var request = await _peer.NextAsync();
        await client.SendAsync(new CoapRequest(CoapCode.Post, "/t") { NoResponse = CoapNoResponse.All, IsConfirmable = false });
        Assert.Equal(CoapCode.Post, (await _peer.NextAsync()).Code);
        _peer.Answer(request, CoapCode.Content);
        await asking;
    }

    [Fact]
    public async Task A_request_that_is_not_confirmable_holds_up_the_next_for_2_s_and_may_be_answered_later()
    {
        await using var client = _peer.MakeClient();
        var first = client.SendAsync(new CoapRequest(CoapCode.Get, "/1") { IsConfirmable = false });
        var second = client.GetAsync("/2");
        var request = await _peer.NextAsync();
        _peer.Time.Advance(TimeSpan.FromSeconds(2) - TimeSpan.FromTicks(1));
        _peer.AssertSilent();
        _peer.Time.Advance(TimeSpan.FromTicks(1));
        _peer.Answer(await _peer.NextAsync(), CoapCode.Content, "2");
        await second;

        // Nobody acknowledges what is not confirmable.
        _peer.Answer(request, CoapCode.Content, "no answer");
        Assert.False(first.IsCompleted);
        _peer.Say(CoapType.NonConfirmable, CoapCode.Content, 1, request.Token, "1");
        Assert.Equal("1", Encoding.UTF8.GetString((await first).Payload.Span));
    }

    [Fact]
    public async Task What_answers_another_message_or_token_is_no_answer()
    {
        await using var client = _peer.MakeClient();
        var asking = client.GetAsync("/a");
        var request = await _peer.NextAsync();
        var forged = request.Token.Select(b => (byte)~b).ToArray();
        _peer.Say(CoapType.Acknowledgement, CoapCode.Content, request.Id, forged, "forged");
        _peer.Say(CoapType.Acknowledgement, CoapCode.Content, request.Id + 1, request.Token, "forged");
        _peer.Say(CoapType.Acknowledgement, CoapCode.Post, request.Id, request.Token, "a request");
        _peer.Say(CoapType.Reset, default, request.Id + 1, []);
        _peer.Say(CoapType.Reset, CoapCode.Content, request.Id, request.Token, "a reset with more");
        _peer.Say(CoapType.NonConfirmable, CoapCode.Content, 3, forged, "forged");
        Assert.False(asking.IsCompleted);
        _peer.AssertSilent();
        _peer.Say(CoapType.Confirmable, CoapCode.Content, 4, forged, "forged");
        Assert.Equal((CoapType.Reset, (ushort)4), Summary(await _peer.NextAsync()));
        _peer.Answer(request, CoapCode.Valid);
        Assert.Equal(CoapCode.Valid, (await asking).Code);
    }

    [Theory]
    [InlineData("", "")] // nothing
    [InlineData("40", "")] // too short
    [InlineData("80450007", "")] // version 2
    [InlineData("40000007", "70000007")] // a ping
    [InlineData("50000007", "")] // an empty message that is not confirmable
    [InlineData("40010007", "70000007")] // a request: there is no server here
    [InlineData("50010007", "")]
    [InlineData("40200007", "70000007")] // a reserved class
    [InlineData("49450007", "70000007")] // a token of 9 bytes
    [InlineData("59450007", "")]
    [InlineData("404500077F", "70000007")] // an option of a length that is reserved
    [InlineData("40450007FF", "70000007")] // a marker without a payload
    [InlineData("60450007FF", "")] // the same in an acknowledgement
    [InlineData("70450007", "")] // a reset with a code
    [InlineData("7000000700", "")] // a reset with more
    public async Task What_makes_no_sense_is_reset_if_confirmable_and_else_ignored(string datagram, string answer)
    {
        await using var client = _peer.MakeClient();
        _peer.Say(Convert.FromHexString(datagram));
        if (answer.Length > 0)
        {
            var message = await _peer.NextAsync();
            Assert.Equal(answer, $"{0x40 | ((int)message.Type << 4):X2}{message.Code.Value:X2}{message.Id:X4}");
        }

        _peer.AssertSilent();
    }

    [Fact]
    public async Task A_response_with_an_unknown_critical_option_is_rejected_and_fails_the_request()
    {
        await using var client = _peer.MakeClient();
        var asking = client.GetAsync("/a");
        var request = await _peer.NextAsync();
        _peer.Say(CoapType.Confirmable, CoapCode.Content, 8, request.Token, "", ScriptedPeer.Option(65001, 1));
        Assert.Equal((CoapType.Reset, (ushort)8), Summary(await _peer.NextAsync()));
        Assert.Equal(CoapError.Malformed, (await Assert.ThrowsAsync<CoapException>(() => asking)).Error);

        asking = client.GetAsync("/a");
        _peer.Answer(await _peer.NextAsync(), CoapCode.Content, "", ScriptedPeer.Option(CoapOptionNumber.Block2, 7));
        Assert.Equal(CoapError.Malformed, (await Assert.ThrowsAsync<CoapException>(() => asking)).Error);
    }

    [Fact]
    public async Task An_unknown_elective_option_is_ignored()
    {
        await using var client = _peer.MakeClient();
        var asking = client.GetAsync("/a");
        _peer.Answer(
            await _peer.NextAsync(),
            CoapCode.Content,
            "ok",
            ScriptedPeer.Option(65000, 1),
            ScriptedPeer.Option(CoapOptionNumber.ETag, 0)
        );
        Assert.True((await asking).ETag.IsEmpty);
    }

    [Fact]
    public async Task A_ping_is_answered_by_a_reset()
    {
        await using var client = _peer.MakeClient();
        var pinging = client.PingAsync();
        var ping = await _peer.NextAsync();
        Assert.Equal((CoapType.Confirmable, default(CoapCode), 0), (ping.Type, ping.Code, ping.Token.Length));
        _peer.Reset(ping);
        await pinging;

        pinging = client.PingAsync();
        foreach (var seconds in new[] { 2, 4, 8, 16, 32 })
            _peer.Time.Advance(TimeSpan.FromSeconds(seconds));
        Assert.Equal(CoapError.NoAcknowledgement, (await Assert.ThrowsAsync<CoapException>(() => pinging)).Error);
    }

    [Fact]
    public async Task With_No_Response_a_request_ends_when_it_is_acknowledged_or_sent()
    {
        await using var client = _peer.MakeClient();
        var request = new CoapRequest(CoapCode.Post, "/t") { NoResponse = CoapNoResponse.All };
        var sending = client.SendAsync(request);
        var message = await _peer.NextAsync();
        Assert.Equal(26u, message.UInt(CoapOptionNumber.NoResponse));
        Assert.False(sending.IsCompleted);
        _peer.Acknowledge(message);
        Assert.Equal(default, (await sending).Code);

        request.IsConfirmable = false;
        Assert.Equal(default, (await client.SendAsync(request)).Code);
        Assert.Equal(CoapType.NonConfirmable, (await _peer.NextAsync()).Type);
    }

    [Fact]
    public async Task A_4_01_with_Echo_is_answered_by_the_same_request_with_its_value_once()
    {
        await using var client = _peer.MakeClient();
        var asking = client.PostAsync("/t", "x"u8.ToArray(), CoapContentFormat.Text);
        var request = await _peer.NextAsync();
        Assert.False(request.Has(CoapOptionNumber.Echo));
        _peer.Answer(request, CoapCode.Unauthorized, "", ScriptedPeer.Option(CoapOptionNumber.Echo, 0xABCD));
        var again = await _peer.NextAsync();
        Assert.Equal((0xABCDu, "x"), (again.UInt(CoapOptionNumber.Echo), again.Text));
        Assert.NotEqual(request.Id, again.Id);
        _peer.Answer(again, CoapCode.Unauthorized, "", ScriptedPeer.Option(CoapOptionNumber.Echo, 0xABCE));
        Assert.Equal(CoapCode.Unauthorized, (await asking).Code);
        _peer.AssertSilent();
    }

    [Theory]
    [InlineData(0x9D)]
    [InlineData(0xA3)]
    [InlineData(0x81)]
    public async Task An_error_is_returned_as_it_is(byte code)
    {
        await using var client = _peer.MakeClient();
        var asking = client.GetAsync("/a");
        _peer.Answer(await _peer.NextAsync(), new CoapCode(code), "why", ScriptedPeer.Option(CoapOptionNumber.MaxAge, 9));
        var response = await asking;
        Assert.Equal((code, TimeSpan.FromSeconds(9)), (response.Code.Value, response.MaxAge));
    }

    [Fact]
    public async Task Disposal_fails_what_is_on_its_way_and_what_waits()
    {
        var client = _peer.MakeClient();
        var first = client.GetAsync("/1");
        var second = client.GetAsync("/2");
        await client.DisposeAsync();
        await client.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => first);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => second);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.GetAsync("/3"));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.PingAsync());
        await _peer.NextAsync();
        _peer.Time.Advance(TimeSpan.FromMinutes(2));
        _peer.AssertSilent();
    }

    [Fact]
    public void No_message_id_is_given_twice_within_the_exchange_lifetime()
    {
        var ids = new MessageIds(_peer.Time, TimeSpan.FromSeconds(247));
        HashSet<ushort> given = [];
        while (ids.TryTake(out var id))
            Assert.True(given.Add(id), "twice");

        // The part of the first range that lies before the random start is not used in the first round.
        Assert.InRange(given.Count, 65536 - 1023, 65536);
        _peer.Time.Advance(TimeSpan.FromSeconds(247));
        Assert.True(ids.TryTake(out _));
    }

    [Fact]
    public async Task Without_a_free_message_id_requests_wait_for_one()
    {
        await using var client = _peer.MakeClient();
        var request = new CoapRequest(CoapCode.Post, "/t") { NoResponse = CoapNoResponse.All, IsConfirmable = false };
        Task<CoapResponse> sending;
        while ((sending = client.SendAsync(request)).IsCompleted)
            await _peer.NextAsync();
        _peer.AssertSilent();
        _peer.Time.Advance(TimeSpan.FromSeconds(92));
        _peer.AssertSilent();
        _peer.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(CoapError.Timeout, (await Assert.ThrowsAsync<CoapException>(() => sending)).Error);
        _peer.Time.Advance(TimeSpan.FromSeconds(154));
        await client.SendAsync(request);
        await _peer.NextAsync();
    }

    [Fact]
    public void Of_the_servers_messages_so_many_are_remembered_and_so_long()
    {
        var recent = new RecentMessages(_peer.Time, TimeSpan.FromSeconds(247));
        var token = new CoapToken("token"u8);
        for (ushort id = 0; id <= RecentMessages.Capacity; id++)
        {
            Assert.False(recent.Contains(id, token));
            recent.Add(id, token);
        }

        Assert.False(recent.Contains(0, token));
        Assert.True(recent.Contains(1, token));
        Assert.False(recent.Contains(1, new CoapToken("other"u8)));
        _peer.Time.Advance(TimeSpan.FromSeconds(247));
        Assert.False(recent.Contains(RecentMessages.Capacity, token));
    }

    [Fact]
    public async Task A_forged_message_does_not_use_up_the_id_of_a_true_one()
    {
        await using var client = _peer.MakeClient();
        var asking = client.GetAsync("/a");
        var request = await _peer.NextAsync();
        _peer.Acknowledge(request);
        _peer.Say(CoapType.Confirmable, CoapCode.Content, 8, [1, 2, 3, 4], "forged");
        Assert.Equal((CoapType.Reset, (ushort)8), Summary(await _peer.NextAsync()));
        _peer.Say(CoapType.Confirmable, CoapCode.Content, 8, request.Token, "true");
        Assert.Equal((CoapType.Acknowledgement, (ushort)8), Summary(await _peer.NextAsync()));
        Assert.Equal("true", Encoding.UTF8.GetString((await asking).Payload.Span));
    }

    private static (CoapType, ushort) Summary(SeenMessage message) => (message.Type, message.Id);
}
