using System.Text;
using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Tests.Client;

public sealed class ClientObserveTests : IAsyncDisposable
{
    private readonly ScriptedPeer _peer = new();

    public ValueTask DisposeAsync() => _peer.DisposeAsync();

    [Fact]
    public async Task The_state_and_its_notifications_come_in_order_and_the_end_is_told()
    {
        await using var client = _peer.MakeClient();
        await using var states = Observe(client);
        var first = states.MoveNextAsync();
        var registration = await _peer.NextAsync();
        Assert.Equal(0u, registration.UInt(CoapOptionNumber.Observe));
        _peer.Answer(registration, CoapCode.Content, "1", Order(10));
        Assert.True(await first);
        Assert.Equal("1", Text(states));

        _peer.Say(CoapType.NonConfirmable, CoapCode.Content, 1, registration.Token, "2", Order(11));
        _peer.Say(CoapType.Confirmable, CoapCode.Content, 2, registration.Token, "3", Order(12));
        Assert.Equal((CoapType.Acknowledgement, (ushort)2), Summary(await _peer.NextAsync()));
        Assert.Equal(["2", "3"], await TakeAsync(states, 2));

        await states.DisposeAsync();
        var end = await _peer.NextAsync();
        Assert.Equal((CoapCode.Get, 1u), (end.Code, end.UInt(CoapOptionNumber.Observe)));
        Assert.Equal(registration.Token, end.Token);
        Assert.Equal(["r"], end.Texts(CoapOptionNumber.UriPath));

        // Until the server has heard of it, notifications are rejected, those that are not confirmable too.
        _peer.Say(CoapType.NonConfirmable, CoapCode.Content, 3, registration.Token, "4", Order(13));
        Assert.Equal((CoapType.Reset, (ushort)3), Summary(await _peer.NextAsync()));
        _peer.Answer(end, CoapCode.Content, "4");
        _peer.Time.Advance(TimeSpan.FromMinutes(2));
        _peer.AssertSilent();
    }

    [Fact]
    public async Task A_registration_that_is_answered_without_an_acknowledgement_is_not_sent_again()
    {
        await using var client = _peer.MakeClient();
        await using var states = Observe(client);
        var first = states.MoveNextAsync();
        var registration = await _peer.NextAsync();
        _peer.Say(CoapType.NonConfirmable, CoapCode.Content, 1, registration.Token, "1", Order(1));
        Assert.True(await first);
        _peer.Time.Advance(TimeSpan.FromSeconds(30));
        _peer.AssertSilent();
    }

    [Fact]
    public async Task What_is_older_than_the_last_is_left_out_until_128_s_have_passed()
    {
        await using var client = _peer.MakeClient();
        await using var states = Observe(client);
        var token = await RegisterAsync(states, 0xFFFFFE, TimeSpan.FromHours(1));
        Notify(token, 1, "newer, beyond the end of the numbers", 1);
        Notify(token, 2, "older", 0xFFFFFF);
        Notify(token, 3, "the same", 1);
        Notify(token, 4, "as new as can be", 1 + (1 << 23) - 1);
        Notify(token, 5, "older by half of the numbers", 0);
        _peer.Time.Advance(TimeSpan.FromSeconds(128));
        Notify(token, 6, "older still", 0);
        _peer.Time.Advance(TimeSpan.FromTicks(1));
        Notify(token, 7, "of another count", 0);
        Assert.Equal(["newer, beyond the end of the numbers", "as new as can be", "of another count"], await TakeAsync(states, 3));
    }

    [Fact]
    public async Task Who_reads_slowly_gets_the_newest()
    {
        await using var client = _peer.MakeClient();
        await using var states = Observe(client);
        var token = await RegisterAsync(states, 0, TimeSpan.FromHours(1));
        for (var i = 1; i <= 1000; i++)
            Notify(token, i, $"{i}", (uint)i);
        Assert.Equal(Enumerable.Range(985, 16).Select(i => $"{i}"), await TakeAsync(states, 16));
        _peer.AssertSilent();
    }

    [Fact]
    public async Task It_registers_again_when_Max_Age_has_run_out_with_the_same_token()
    {
        await using var client = _peer.MakeClient();
        await using var states = Observe(client);
        var token = await RegisterAsync(states, 50, TimeSpan.FromSeconds(30));
        var next = states.MoveNextAsync();
        _peer.Time.Advance(TimeSpan.FromSeconds(35) - TimeSpan.FromTicks(1));
        _peer.AssertSilent();
        _peer.Time.Advance(TimeSpan.FromSeconds(10) + TimeSpan.FromTicks(1));
        var again = await _peer.NextAsync();
        Assert.Equal(0u, again.UInt(CoapOptionNumber.Observe));
        Assert.Equal(token, again.Token);

        // The server counts from its start: what answers the registration is the newest all the same.
        _peer.Answer(again, CoapCode.Content, "after a restart", Order(2));
        Assert.True(await next);
        Assert.Equal("after a restart", Text(states));
    }

    [Fact]
    public async Task A_server_that_is_gone_ends_it_with_an_exception_and_is_told_nothing()
    {
        await using var client = _peer.MakeClient(options => options.MaxRetransmit = 0);
        await using var states = Observe(client);
        await RegisterAsync(states, 50, TimeSpan.FromSeconds(30));
        var next = states.MoveNextAsync().AsTask();
        _peer.Time.Advance(TimeSpan.FromSeconds(45));
        await _peer.NextAsync();
        _peer.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(CoapError.NoAcknowledgement, (await Assert.ThrowsAsync<CoapException>(() => next)).Error);
        _peer.AssertSilent();
    }

    [Fact]
    public async Task A_reset_ends_it_with_an_exception()
    {
        await using var client = _peer.MakeClient();
        await using var states = Observe(client);
        var first = states.MoveNextAsync().AsTask();
        _peer.Reset(await _peer.NextAsync());
        Assert.Equal(CoapError.Reset, (await Assert.ThrowsAsync<CoapException>(() => first)).Error);
        _peer.AssertSilent();
    }

    [Fact]
    public async Task A_resource_that_cannot_be_observed_gives_one_response()
    {
        await using var client = _peer.MakeClient();
        await using var states = Observe(client);
        var first = states.MoveNextAsync();
        _peer.Answer(await _peer.NextAsync(), CoapCode.Content, "once");
        Assert.True(await first);
        Assert.Equal("once", Text(states));
        Assert.False(await states.MoveNextAsync());
        _peer.AssertSilent();
    }

    [Fact]
    public async Task An_error_is_the_last_notification()
    {
        await using var client = _peer.MakeClient();
        await using var states = Observe(client);
        var token = await RegisterAsync(states, 1, TimeSpan.FromSeconds(60));
        _peer.Say(CoapType.Confirmable, CoapCode.NotFound, 9, token);
        Assert.Equal(CoapType.Acknowledgement, (await _peer.NextAsync()).Type);
        Assert.True(await states.MoveNextAsync());
        Assert.Equal(CoapCode.NotFound, states.Current.Code);
        Assert.False(await states.MoveNextAsync());
        _peer.AssertSilent();
    }

    [Fact]
    public async Task A_duplicate_notification_is_acknowledged_again_and_not_given_twice()
    {
        await using var client = _peer.MakeClient();
        await using var states = Observe(client);
        var token = await RegisterAsync(states, 1, TimeSpan.FromSeconds(60));
        for (var i = 0; i < 3; i++)
        {
            _peer.Say(CoapType.Confirmable, CoapCode.Content, 9, token, "2", Order(2));
            Assert.Equal((CoapType.Acknowledgement, (ushort)9), Summary(await _peer.NextAsync()));
        }

        Notify(token, 10, "3", 3);
        Assert.Equal(["2", "3"], await TakeAsync(states, 2));
    }

    [Fact]
    public async Task A_registration_is_sent_again_with_an_Echo()
    {
        await using var client = _peer.MakeClient();
        await using var states = Observe(client);
        var first = states.MoveNextAsync();
        _peer.Answer(await _peer.NextAsync(), CoapCode.Unauthorized, "", ScriptedPeer.Option(CoapOptionNumber.Echo, 5));
        var again = await _peer.NextAsync();
        Assert.Equal((0u, 5u), (again.UInt(CoapOptionNumber.Observe), again.UInt(CoapOptionNumber.Echo)));
        _peer.Answer(again, CoapCode.Content, "1", Order(1));
        Assert.True(await first);
    }

    [Fact]
    public async Task The_rest_of_a_large_notification_is_fetched_without_observing()
    {
        await using var client = _peer.MakeClient();
        await using var states = Observe(client);
        var first = states.MoveNextAsync();
        var registration = await _peer.NextAsync();
        var block = ScriptedPeer.Block(CoapOptionNumber.Block2, 0, true, 64);
        _peer.Answer(registration, CoapCode.Content, new string('a', 64), Order(1), block);
        var rest = await _peer.NextAsync();
        Assert.Equal(("1/0/64", false), (rest.Block(CoapOptionNumber.Block2), rest.Has(CoapOptionNumber.Observe)));
        Assert.NotEqual(registration.Token, rest.Token);
        _peer.Answer(rest, CoapCode.Content, "b", ScriptedPeer.Block(CoapOptionNumber.Block2, 1, false, 64));
        Assert.True(await first);
        Assert.Equal(new string('a', 64) + "b", Text(states));
    }

    [Fact]
    public async Task Who_cancels_gets_a_cancellation_and_the_server_is_told()
    {
        await using var client = _peer.MakeClient();
        using var cancelling = new CancellationTokenSource();
        await using var states = client.ObserveAsync(new CoapRequest(CoapCode.Get, "/r"), cancelling.Token).GetAsyncEnumerator();
        await RegisterAsync(states, 1, TimeSpan.FromSeconds(60));
        var next = states.MoveNextAsync().AsTask();
        await cancelling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next);
        Assert.Equal(1u, (await _peer.NextAsync()).UInt(CoapOptionNumber.Observe));
    }

    [Fact]
    public async Task Who_cancels_before_its_turn_leaves_nothing_behind()
    {
        await using var client = _peer.MakeClient();
        var asking = client.GetAsync("/a");
        using var cancelling = new CancellationTokenSource();
        await using var states = client.ObserveAsync(new CoapRequest(CoapCode.Get, "/r"), cancelling.Token).GetAsyncEnumerator();
        var first = states.MoveNextAsync().AsTask();
        await cancelling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        _peer.Answer(await _peer.NextAsync(), CoapCode.Content);
        await asking;
        _peer.AssertSilent();
    }

    [Fact]
    public async Task Disposal_of_the_client_ends_it()
    {
        var client = _peer.MakeClient();
        await using var states = Observe(client);
        await RegisterAsync(states, 1, TimeSpan.FromSeconds(60));
        var next = states.MoveNextAsync().AsTask();
        await client.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => next);
    }

    [Fact]
    public async Task Only_GET_and_FETCH_observe_and_only_with_responses()
    {
        await using var client = _peer.MakeClient();
        Assert.Throws<ArgumentException>(() => client.ObserveAsync(new CoapRequest(CoapCode.Post, "/r")));
        var request = new CoapRequest(CoapCode.Get, "/r") { NoResponse = CoapNoResponse.Success };
        Assert.Throws<ArgumentException>(() => client.ObserveAsync(request));
    }

    private static IAsyncEnumerator<CoapResponse> Observe(CoapClient client) =>
        client.ObserveAsync(new CoapRequest(CoapCode.Get, "/r")).GetAsyncEnumerator();

    private async Task<byte[]> RegisterAsync(IAsyncEnumerator<CoapResponse> states, uint order, TimeSpan maxAge)
    {
        var first = states.MoveNextAsync();
        var registration = await _peer.NextAsync();
        var age = ScriptedPeer.Option(CoapOptionNumber.MaxAge, (uint)maxAge.TotalSeconds);
        _peer.Answer(registration, CoapCode.Content, "", Order(order), age);
        Assert.True(await first);
        return registration.Token;
    }

    private void Notify(byte[] token, int id, string payload, uint order) =>
        _peer.Say(CoapType.NonConfirmable, CoapCode.Content, id, token, payload, Order(order));

    private static async Task<string[]> TakeAsync(IAsyncEnumerator<CoapResponse> states, int count)
    {
        var taken = new string[count];
        for (var i = 0; i < count; i++)
        {
            Assert.True(await states.MoveNextAsync());
            taken[i] = Text(states);
        }

        return taken;
    }

    private static string Text(IAsyncEnumerator<CoapResponse> states) => Encoding.UTF8.GetString(states.Current.Payload.Span);

    private static CoapOption Order(uint order) => ScriptedPeer.Option(CoapOptionNumber.Observe, order);

    private static (CoapType, ushort) Summary(SeenMessage message) => (message.Type, message.Id);
}
