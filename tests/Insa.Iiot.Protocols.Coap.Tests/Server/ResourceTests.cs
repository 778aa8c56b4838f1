using System.Text;
using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Tests.Server;

public sealed class ResourceTests
{
    [Fact]
    public async Task The_time_is_told_to_anyone_as_text_json_or_cbor()
    {
        await using var world = await CoapWorld.StartAsync();
        world.Receive(Wire.Request(CoapType.Confirmable, CoapCode.Get, 1, [1], "time"));
        Assert.Equal("2026-05-01T12:00:00.000Z", (await world.Wire.NextAsync()).Text);
        Assert.Equal(
            """{"time":"2026-05-01T12:00:00.000Z"}""",
            (await world.AskAsync(CoapCode.Get, "time", null, (CoapOptionNumber.Accept, [50]))).Text
        );
        var cbor = await world.AskAsync(CoapCode.Get, "time", null, (CoapOptionNumber.Accept, [60]));
        Assert.Equal("C11A69F495C0", Convert.ToHexString(cbor.Payload));
        Assert.Equal(CoapCode.NotAcceptable, (await world.AskAsync(CoapCode.Get, "time", null, (CoapOptionNumber.Accept, [41]))).Code);
    }

    [Fact]
    public async Task The_devices_are_those_of_the_credential()
    {
        await using var world = await CoapWorld.StartAsync();
        var links = await world.AskAsync(CoapCode.Get, "devices");
        Assert.Equal("""</telemetry/press>;rt="insa.telemetry" """.Trim(), links.Text);
        Assert.Equal(
            """[{"id":"press","name":""}]""",
            (await world.AskAsync(CoapCode.Get, "devices", null, (CoapOptionNumber.Accept, [50]))).Text
        );
        var cbor = await world.AskAsync(CoapCode.Get, "devices", null, (CoapOptionNumber.Accept, [60]));
        Assert.Equal("81A26269646570726573736" + "46E616D6560", Convert.ToHexString(cbor.Payload));
        world.Receive(Wire.Request(CoapType.Confirmable, CoapCode.Get, 1, [1], "devices"));
        Assert.Equal(CoapCode.Unauthorized, (await world.Wire.NextAsync()).Code);
    }

    [Fact]
    public async Task A_handler_that_fails_is_told_as_5_00_and_logged()
    {
        await using var world = await CoapWorld.StartAsync(coap =>
            coap.Map("bad").On(CoapCode.Get, (_, _) => throw new InvalidOperationException("by design"))
        );
        Assert.Equal(CoapCode.InternalServerError, (await world.AskAsync(CoapCode.Get, "bad")).Code);
        Assert.Contains(world.Logs.Collector.GetSnapshot(), record => record.Id.Id == 2002);
    }

    [Fact]
    public async Task More_requests_than_there_is_room_for_are_told_to_come_back()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var world = await CoapWorld.StartAsync(coap =>
        {
            coap.MaxPendingRequests = 1;
            coap.Map("slow")
                .On(
                    CoapCode.Get,
                    async (_, _) =>
                    {
                        await gate.Task;
                        return new CoapResponse(CoapCode.Content);
                    }
                );
        });
        await world.AskAsync(CoapCode.Get, "time");
        world.Receive(Wire.Request(CoapType.Confirmable, CoapCode.Get, 1, [1], "slow?" + CoapWorld.Token));
        Assert.Equal(CoapCode.ServiceUnavailable, (await world.AskAsync(CoapCode.Get, "time")).Code);
        gate.SetResult();
        Assert.Equal(CoapCode.Content, (await world.Wire.NextAsync()).Code);
    }

    [Fact]
    public async Task A_handler_sees_the_request_and_no_credential()
    {
        CoapContext? seen = null;
        await using var world = await CoapWorld.StartAsync(coap =>
            coap.Map("a/b")
                .On(
                    CoapCode.Fetch,
                    (context, _) =>
                    {
                        seen = context;
                        return ValueTask.FromResult(new CoapResponse(CoapCode.Content));
                    }
                )
        );
        await world.AskAsync(
            CoapCode.Fetch,
            "a/b?x=1&y",
            Encoding.UTF8.GetBytes("query"),
            (CoapOptionNumber.ContentFormat, [60]),
            (CoapOptionNumber.Accept, [50])
        );
        Assert.Equal(
            ("a/b", CoapCode.Fetch, "press", 60, 50),
            (seen!.Path, seen.Method, seen.Session!.Device.Value, seen.ContentFormat, seen.Accept)
        );
        Assert.Equal(["x=1", "y"], seen.Queries);
        Assert.Equal("1", seen.FindQuery("x"));
        Assert.Null(seen.FindQuery("y"));
        Assert.Equal("query", Encoding.UTF8.GetString(seen.Payload.Span));
    }

    [Fact]
    public async Task Options_that_make_no_sense_are_all_reported_at_start()
    {
        var error = await Assert.ThrowsAsync<Microsoft.Extensions.Options.OptionsValidationException>(() =>
            CoapWorld.StartAsync(coap =>
            {
                coap.MaxPeers = 0;
                coap.PiggybackWindow = TimeSpan.FromSeconds(5);
                coap.Listeners.Add(new CoapListenerOptions { IsPlain = true, Address = System.Net.IPAddress.Any });
                var open = coap.Map("open").On(CoapCode.Post, (_, _) => ValueTask.FromResult(new CoapResponse(CoapCode.Changed)));
                open.AllowsAnonymous = true;
            })
        );
        Assert.Equal(4, error.Failures.Count());
    }

    [Theory]
    [InlineData("/a")]
    [InlineData("a/")]
    [InlineData("a//b")]
    [InlineData("")]
    public void A_path_is_segments_and_slashes(string path) => Assert.Throws<ArgumentException>(() => new CoapServerOptions().Map(path));
}
