using System.Text;
using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Tests.Server;

public sealed class TelemetryTests
{
    private const string Gateway = "token=gate@plant:" + CoapWorld.Secret;

    [Fact]
    public async Task Nobody_comes_in_without_a_token_or_with_a_wrong_one()
    {
        await using var world = await CoapWorld.StartAsync();
        foreach (var query in new[] { "", "?token=", "?token=press@plant:wrong", "?token=press@plant", "?token=press", "?token=@:" })
        {
            world.Receive(Wire.Request(CoapType.Confirmable, CoapCode.Post, 1, [1], "telemetry" + query, """{"data":{"n":1}}"""u8));
            Assert.Equal(CoapCode.Unauthorized, (await world.Wire.NextAsync()).Code);
        }

        Assert.Empty(world.Stored);
        Assert.DoesNotContain(world.Logs.Collector.GetSnapshot(), record => record.ToString()!.Contains("wrong", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_token_is_checked_once_and_then_for_a_while_not_again()
    {
        await using var world = await CoapWorld.StartAsync();
        for (var i = 0; i < 10; i++)
        {
            world.Post("""{"data":{"n":1}}""");
            await world.Wire.NextAsync();
        }

        Assert.Equal(1, world.Authentications);

        // Then beside the traffic, which does not wait for it; and first again after a long silence.
        world.Pass(TimeSpan.FromSeconds(31));
        world.AuthenticatorIsDown = true;
        world.Post("""{"data":{"n":1}}""");
        Assert.Equal(CoapCode.Changed, (await world.Wire.NextAsync()).Code);
        world.Pass(TimeSpan.FromSeconds(31));
        world.Post("""{"data":{"n":1}}""");
        Assert.Equal(CoapCode.ServiceUnavailable, (await world.Wire.NextAsync()).Code);
    }

    [Fact]
    public async Task A_store_out_of_reach_is_not_a_wrong_token()
    {
        await using var world = await CoapWorld.StartAsync();
        world.AuthenticatorIsDown = true;
        world.Post("""{"data":{"n":1}}""");
        var answer = await world.Wire.NextAsync();
        Assert.Equal(CoapCode.ServiceUnavailable, answer.Code);
        Assert.True(answer.UInt(CoapOptionNumber.MaxAge) > 0);
        world.AuthenticatorIsDown = false;
        world.Post("""{"data":{"n":1}}""");
        Assert.Equal(CoapCode.Changed, (await world.Wire.NextAsync()).Code);
    }

    [Theory]
    [InlineData("telemetry", null, """{"data":{"n":1}}""", "2.04")]
    [InlineData("telemetry", 50, """{"data":{"n":1}}""", "2.04")]
    [InlineData("telemetry", 110, """[{"n":"n","v":1}]""", "2.04")]
    [InlineData("telemetry/press", 50, """{"data":{"n":1}}""", "2.04")]
    [InlineData("telemetry/press/n", null, "1", "2.04")]
    [InlineData("telemetry/press/n", 0, "1", "2.04")]
    [InlineData("telemetry", 41, "<n>1</n>", "4.15")]
    [InlineData("telemetry", 50, "{", "4.00")]
    [InlineData("telemetry", 50, "", "4.00")]
    [InlineData("telemetry/pump", 50, """{"data":{"n":1}}""", "4.03")]
    [InlineData("telemetry/no-such-device", 50, """{"data":{"n":1}}""", "4.03")]
    [InlineData("telemetry", 50, """{"device_id":"pump","data":{"n":1}}""", "4.03")]
    [InlineData("telemetry/a/b/c", 50, """{"data":{"n":1}}""", "4.04")]
    [InlineData("no-such-resource", 50, """{"data":{"n":1}}""", "4.04")]
    public async Task A_post_is_answered_in_the_standards_terms(string path, int? format, string payload, string code)
    {
        await using var world = await CoapWorld.StartAsync();
        (int, byte[])[] options = format is null ? [] : [(CoapOptionNumber.ContentFormat, Wire.UInt((uint)format))];
        var answer = await world.AskAsync(CoapCode.Post, path, Encoding.UTF8.GetBytes(payload), options);
        Assert.Equal(code, answer.Code.ToString());
        if (code == "2.04")
            Assert.Equal(("plant", "press", "n", TelemetryValue.Of(1.0).AsDouble()), Flat(Assert.Single(world.Stored)));
        else
            Assert.Empty(world.Stored);
    }

    [Theory]
    [InlineData(112, "81A200616E0201")]
    [InlineData(60, "A16464617461A1616E01")]
    public async Task Cbor_is_taken(int format, string payload)
    {
        await using var world = await CoapWorld.StartAsync();
        var answer = await world.AskAsync(
            CoapCode.Post,
            "telemetry",
            Convert.FromHexString(payload),
            (CoapOptionNumber.ContentFormat, [(byte)format])
        );
        Assert.Equal(CoapCode.Changed, answer.Code);
        Assert.Equal(("plant", "press", "n", 1.0), Flat(Assert.Single(world.Stored)));
    }

    [Fact]
    public async Task A_gateway_speaks_for_its_devices_and_no_others()
    {
        await using var world = await CoapWorld.StartAsync();
        ushort id = 0;
        foreach (var (device, code) in new[] { ("pump", CoapCode.Changed), ("gate", CoapCode.Changed), ("press", CoapCode.Forbidden) })
        {
            world.Receive(
                Wire.Request(CoapType.Confirmable, CoapCode.Post, ++id, [1], $"telemetry/{device}?{Gateway}", """{"data":{"n":1}}"""u8)
            );
            Assert.Equal(code, (await world.Wire.NextAsync()).Code);
        }

        Assert.Equal(["gate", "pump"], world.Stored.Select(row => row.Device).Order());
    }

    [Fact]
    public async Task Only_post_is_allowed()
    {
        await using var world = await CoapWorld.StartAsync();
        foreach (var method in new[] { CoapCode.Get, CoapCode.Put, CoapCode.Delete, CoapCode.Fetch, CoapCode.Patch, new CoapCode(31) })
            Assert.Equal(CoapCode.MethodNotAllowed, (await world.AskAsync(method, "telemetry")).Code);
    }

    [Fact]
    public async Task A_frame_the_store_refuses_is_told_so()
    {
        await using var world = await CoapWorld.StartAsync();
        world.Refuses = _ => true;
        Assert.Equal(
            CoapCode.UnprocessableEntity,
            (await world.AskAsync(CoapCode.Post, "telemetry", """{"data":{"n":1}}"""u8.ToArray())).Code
        );
    }

    [Fact]
    public async Task A_large_body_comes_in_blocks_and_is_stored_as_one()
    {
        await using var world = await CoapWorld.StartAsync();
        var body = Encoding.UTF8.GetBytes(
            "["
                + string.Join(
                    ',',
                    Enumerable.Range(0, 100).Select(i => $$$"""{"data":{"n":{{{i}}}},"timestamp":{{{1_777_000_000_000 + i}}}}""")
                )
                + "]"
        );
        var answer = await UploadAsync(world, body, 256);
        Assert.Equal(CoapCode.Changed, answer.Code);
        Assert.Equal(100, world.Stored.Count);
    }

    [Fact]
    public async Task A_block_out_of_its_turn_is_told_4_08_and_one_too_many_4_13()
    {
        await using var world = await CoapWorld.StartAsync(coap => coap.MaxBodyBytes = 1024);
        Assert.Equal(CoapCode.RequestEntityIncomplete, (await BlockAsync(world, 1, true, new byte[64])).Code);
        Assert.Equal(CoapCode.Continue, (await BlockAsync(world, 0, true, new byte[64])).Code);
        Assert.Equal(CoapCode.Continue, (await BlockAsync(world, 0, true, new byte[64])).Code);
        Assert.Equal(CoapCode.RequestEntityIncomplete, (await BlockAsync(world, 2, true, new byte[64])).Code);
        Assert.Equal(CoapCode.BadRequest, (await BlockAsync(world, 1, true, new byte[63])).Code);
        for (var i = 1; i < 16; i++)
            Assert.Equal(CoapCode.Continue, (await BlockAsync(world, i, true, new byte[64])).Code);
        var tooLarge = await BlockAsync(world, 16, true, new byte[64]);
        Assert.Equal((CoapCode.RequestEntityTooLarge, 1024u), (tooLarge.Code, tooLarge.UInt(CoapOptionNumber.Size1)));
    }

    [Fact]
    public async Task A_block_that_is_sent_again_does_no_harm()
    {
        await using var world = await CoapWorld.StartAsync();
        var body = Encoding.UTF8.GetBytes($$$"""{"data":{"text":"{{{new string('x', 100)}}}"}}""");
        await BlockAsync(world, 0, true, body[..64]);
        Assert.Equal(CoapCode.Continue, (await BlockAsync(world, 0, true, body[..64])).Code);
        Assert.Equal(CoapCode.Changed, (await BlockAsync(world, 1, false, body[64..])).Code);
        Assert.Single(world.Stored);
    }

    [Fact]
    public async Task An_answer_is_never_more_than_three_times_a_request_of_an_address_that_may_be_forged()
    {
        await using var world = await CoapWorld.StartAsync();
        foreach (var path in new[] { "", "a", "telemetry", "devices", "time", ".well-known/core", "telemetry?token=x@y:z" })
        {
            foreach (var type in new[] { CoapType.Confirmable, CoapType.NonConfirmable })
            {
                var request = Wire.Request(type, CoapCode.Get, (ushort)Random.Shared.Next(65_536), [], path);
                world.Receive(request, Wire.Far);
                var answer = await world.Wire.NextAsync();
                Assert.True(answer.Datagram.Length <= 3 * request.Length, $"{path}: {answer.Datagram.Length} for {request.Length}");
            }
        }
    }

    [Fact]
    public async Task An_address_that_shows_what_it_was_sent_gets_the_whole_answer()
    {
        await using var world = await CoapWorld.StartAsync();
        world.Receive(Wire.Request(CoapType.Confirmable, CoapCode.Get, 1, [1], ".well-known/core"), Wire.Far);
        var challenge = await world.Wire.NextAsync();
        Assert.Equal(CoapCode.Unauthorized, challenge.Code);
        var echo = challenge.Option(CoapOptionNumber.Echo)!;

        world.Receive(
            Wire.Request(CoapType.Confirmable, CoapCode.Get, 2, [1], ".well-known/core", default, (CoapOptionNumber.Echo, echo)),
            Wire.Far
        );
        var answer = await world.Wire.NextAsync();
        Assert.Equal(CoapCode.Content, answer.Code);
        Assert.Contains("</telemetry>", answer.Text, StringComparison.Ordinal);

        // Of another address, too old, or altered it shows nothing.
        var other = Coap.Transport.PeerAddress.From(new System.Net.IPEndPoint(System.Net.IPAddress.Parse("192.0.2.8"), 1));
        world.Receive(
            Wire.Request(CoapType.Confirmable, CoapCode.Get, 3, [1], ".well-known/core", default, (CoapOptionNumber.Echo, echo)),
            other
        );
        Assert.Equal(CoapCode.Unauthorized, (await world.Wire.NextAsync()).Code);
        world.Pass(TimeSpan.FromMinutes(2));
        world.Receive(
            Wire.Request(CoapType.Confirmable, CoapCode.Get, 4, [1], ".well-known/core", default, (CoapOptionNumber.Echo, echo)),
            Wire.Far
        );
        Assert.Equal(CoapCode.Unauthorized, (await world.Wire.NextAsync()).Code);
    }

    [Fact]
    public async Task A_flood_of_forged_addresses_leaves_nothing_behind()
    {
        await using var world = await CoapWorld.StartAsync();
        var request = Wire.Request(CoapType.NonConfirmable, CoapCode.Post, 1, [1], "telemetry", """{"data":{"n":1}}"""u8);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var i = 0; i < 1_000_000; i++)
        {
            var peer = Coap.Transport.PeerAddress.From(new System.Net.IPEndPoint(0x0A000000 + i, 1024 + (i % 60_000)));
            world.Receive(request, peer);
            world.Wire.Next();
        }

        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 4 * 1024 * 1024);
        Assert.Equal(0, world.Endpoint.PeerCount);
    }

    [Fact]
    public async Task More_peers_than_there_is_room_for_are_told_to_come_back()
    {
        await using var world = await CoapWorld.StartAsync(coap => coap.MaxPeers = 1);
        Assert.Equal(CoapCode.Changed, (await PostFromAsync(world, 1)).Code);
        Assert.Equal(CoapCode.ServiceUnavailable, (await PostFromAsync(world, 2)).Code);
        world.Pass(TimeSpan.FromSeconds(260));
        Assert.Equal(CoapCode.Changed, (await PostFromAsync(world, 2)).Code);
    }

    [Fact]
    public async Task What_is_wrong_is_told_as_text_or_as_problem_details()
    {
        await using var world = await CoapWorld.StartAsync();
        Assert.Equal("the payload cannot be read", (await world.AskAsync(CoapCode.Post, "telemetry", "{"u8.ToArray())).Text);
        var problem = await world.AskAsync(
            CoapCode.Post,
            "telemetry",
            "{"u8.ToArray(),
            (CoapOptionNumber.Accept, Wire.UInt(CoapContentFormat.ProblemDetails))
        );
        Assert.Equal((CoapCode.BadRequest, 257u), (problem.Code, problem.UInt(CoapOptionNumber.ContentFormat)));
        Assert.Equal("A120781A" + Convert.ToHexString("the payload cannot be read"u8), Convert.ToHexString(problem.Payload));
    }

    [Fact]
    public async Task Devices_behind_one_address_do_not_see_each_others_bodies()
    {
        await using var world = await CoapWorld.StartAsync(coap =>
            coap.Map("mine")
                .On(
                    CoapCode.Get,
                    (context, _) =>
                        ValueTask.FromResult(
                            new CoapResponse(CoapCode.Content)
                            {
                                Payload = Encoding.UTF8.GetBytes(
                                    string.Concat(Enumerable.Repeat(context.Session!.Device.Value + " ", 400))
                                ),
                            }
                        )
                )
        );
        Assert.StartsWith("press", (await world.AskAsync(CoapCode.Get, "mine")).Text, StringComparison.Ordinal);
        var rest = Wire.Request(
            CoapType.Confirmable,
            CoapCode.Get,
            9,
            [1],
            "mine?" + Gateway,
            default,
            (CoapOptionNumber.Block2, Wire.UInt(new CoapBlock(1, false, 6).Value))
        );
        world.Receive(rest);
        var answer = await world.Wire.NextAsync();
        Assert.DoesNotContain("press", answer.Text, StringComparison.Ordinal);
        Assert.Contains("gate", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Devices_behind_one_address_are_not_taken_for_each_others_duplicates()
    {
        await using var world = await CoapWorld.StartAsync();
        foreach (var device in new[] { "press", "gate" })
        {
            var query = $"telemetry?token={device}@plant:{CoapWorld.Secret}";
            world.Receive(Wire.Request(CoapType.Confirmable, CoapCode.Post, 7, [1], query, """{"data":{"n":1}}"""u8));
            Assert.Equal(CoapCode.Changed, (await world.Wire.NextAsync()).Code);
        }

        Assert.Equal(["press", "gate"], world.Stored.Select(row => row.Device));
    }

    [Fact]
    public async Task A_message_id_of_long_ago_is_new_also_where_its_time_looks_young_again()
    {
        await using var world = await CoapWorld.StartAsync();
        world.Post("""{"data":{"n":1}}""", id: 7);
        await world.Wire.NextAsync();

        // The time that is kept of a message runs over after 1,024 s; other requests keep the peer alive.
        for (var elapsed = 0; elapsed < 1040; elapsed += 208)
        {
            world.Pass(TimeSpan.FromSeconds(208));
            await world.AskAsync(CoapCode.Get, "devices");
        }

        world.Post("""{"data":{"n":2}}""", id: 7);
        Assert.Equal(CoapCode.Changed, (await world.Wire.NextAsync()).Code);
        Assert.Equal(2, world.Stored.Count);
    }

    [Fact]
    public async Task A_wrong_token_pushes_out_no_good_one()
    {
        await using var world = await CoapWorld.StartAsync();
        world.Post("""{"data":{"n":1}}""");
        await world.Wire.NextAsync();
        for (var i = 0; i < 3000; i++)
        {
            world.Receive(Wire.Request(CoapType.Confirmable, CoapCode.Get, (ushort)i, [2], $"devices?token=press@plant:{i}"), Wire.Far);
            Assert.Equal(CoapCode.Unauthorized, (await world.Wire.NextAsync()).Code);
        }

        world.AuthenticatorIsDown = true;
        world.Post("""{"data":{"n":1}}""");
        Assert.Equal(CoapCode.Changed, (await world.Wire.NextAsync()).Code);
    }

    [Fact]
    public async Task One_device_takes_no_more_than_its_share_of_the_peers()
    {
        await using var world = await CoapWorld.StartAsync(coap => coap.MaxPeers = 32);
        Assert.Equal(CoapCode.Changed, (await PostFromAsync(world, 1)).Code);
        Assert.Equal(CoapCode.Changed, (await PostFromAsync(world, 2)).Code);
        Assert.Equal(CoapCode.ServiceUnavailable, (await PostFromAsync(world, 3)).Code);
        world.Receive(Wire.Request(CoapType.Confirmable, CoapCode.Post, 7, [1], "telemetry?" + Gateway, """{"data":{"n":1}}"""u8));
        Assert.Equal(CoapCode.Changed, (await world.Wire.NextAsync()).Code);
    }

    [Fact]
    public async Task Many_small_bodies_take_no_more_room_than_their_share()
    {
        await using var world = await CoapWorld.StartAsync(coap =>
        {
            coap.MaxBodyBytes = 1024;
            coap.MaxBlockwiseBytes = 1024 * 1024;
        });
        var answers = new Dictionary<CoapCode, int>();
        for (var i = 0; i < 1000; i++)
        {
            var answer = await world.AskAsync(
                CoapCode.Post,
                "telemetry",
                new byte[16],
                (CoapOptionNumber.Block1, Wire.UInt(new CoapBlock(0, true, 0).Value)),
                (CoapOptionNumber.RequestTag, Wire.UInt((uint)i + 1))
            );
            answers[answer.Code] = answers.GetValueOrDefault(answer.Code) + 1;
        }

        Assert.InRange(answers[CoapCode.Continue], 50, 200);
        Assert.Equal(1000, answers[CoapCode.Continue] + answers[CoapCode.ServiceUnavailable]);

        // They are forgotten after a while, also while one of them goes on.
        world.Pass(TimeSpan.FromSeconds(130));
        Assert.Equal(CoapCode.Continue, (await BlockAsync(world, 0, true, new byte[64])).Code);
    }

    [Fact]
    public async Task A_request_of_many_empty_options_is_answered_like_any_other()
    {
        await using var world = await CoapWorld.StartAsync();
        var options = Enumerable.Repeat((CoapOptionNumber.UriQuery, Array.Empty<byte>()), 900).ToArray();
        Assert.Equal(CoapCode.Content, (await world.AskAsync(CoapCode.Get, "devices", null, options)).Code);
        Assert.DoesNotContain(world.Logs.Collector.GetSnapshot(), record => record.Id.Id == 2003);
    }

    [Fact]
    public async Task Parts_of_a_large_answer_go_to_no_address_that_may_be_forged()
    {
        await using var world = await CoapWorld.StartAsync(coap =>
            coap.Map("large")
                .On(CoapCode.Get, (_, _) => ValueTask.FromResult(new CoapResponse(CoapCode.Content) { Payload = new byte[5000] }))
        );
        for (var number = 0; number < 3; number++)
        {
            var request = Wire.Request(
                CoapType.Confirmable,
                CoapCode.Get,
                (ushort)(number + 1),
                [1],
                "large?" + CoapWorld.Token,
                default,
                (CoapOptionNumber.Block2, Wire.UInt(new CoapBlock(number, false, 6).Value))
            );
            world.Receive(request, Wire.Far);
            var answer = await world.Wire.NextAsync();
            Assert.Equal(CoapCode.Unauthorized, answer.Code);
            Assert.True(answer.Datagram.Length <= 3 * request.Length);
        }
    }

    [Fact]
    public async Task What_must_not_be_done_twice_is_not_begun_for_an_address_that_may_be_forged()
    {
        var done = 0;
        await using var world = await CoapWorld.StartAsync(coap =>
            coap.Map("act")
                .On(
                    CoapCode.Post,
                    (_, _) =>
                    {
                        Interlocked.Increment(ref done);
                        return ValueTask.FromResult(new CoapResponse(CoapCode.Changed) { Payload = new byte[1000] });
                    }
                )
        );
        world.Receive(Wire.Request(CoapType.Confirmable, CoapCode.Post, 1, [1], "act?" + CoapWorld.Token), Wire.Far);
        var challenge = await world.Wire.NextAsync();
        Assert.Equal((CoapCode.Unauthorized, 0), (challenge.Code, done));
        (int, byte[]) echo = (CoapOptionNumber.Echo, challenge.Option(CoapOptionNumber.Echo)!);
        world.Receive(Wire.Request(CoapType.Confirmable, CoapCode.Post, 2, [1], "act?" + CoapWorld.Token, default, echo), Wire.Far);
        Assert.Equal(CoapCode.Changed, (await world.Wire.NextAsync()).Code);
        Assert.Equal(1, done);
    }

    private static async Task<Sent> PostFromAsync(CoapWorld world, int port)
    {
        world.Post(
            """{"data":{"n":1}}""",
            peer: Coap.Transport.PeerAddress.From(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, port))
        );
        return await world.Wire.NextAsync();
    }

    private static Task<Sent> BlockAsync(CoapWorld world, int number, bool hasMore, byte[] part) =>
        world.AskAsync(CoapCode.Post, "telemetry", part, (CoapOptionNumber.Block1, Wire.UInt(new CoapBlock(number, hasMore, 2).Value)));

    private static async Task<Sent> UploadAsync(CoapWorld world, byte[] body, int size)
    {
        for (var i = 0; ; i++)
        {
            var hasMore = (i + 1) * size < body.Length;
            var block = new CoapBlock(i, hasMore, System.Numerics.BitOperations.Log2((uint)size) - 4);
            var answer = await world.AskAsync(
                CoapCode.Post,
                "telemetry",
                body[(i * size)..Math.Min(body.Length, (i + 1) * size)],
                (CoapOptionNumber.Block1, Wire.UInt(block.Value))
            );
            if (!hasMore)
                return answer;
            Assert.Equal(CoapCode.Continue, answer.Code);
            Assert.Equal(block, answer.Block(CoapOptionNumber.Block1));
        }
    }

    private static (string, string, string, double) Flat((string Tenant, string Device, string Metric, TelemetryValue Value) row) =>
        (row.Tenant, row.Device, row.Metric, row.Value.AsDouble());
}
