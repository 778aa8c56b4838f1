using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Insa.Iiot.AspNetCore.Tests;

public sealed class CommandsApiTests : IAsyncLifetime
{
    private const string Path = "/api/v1/devices/press/commands";
    private static readonly DeviceId Press = DeviceId.Parse("press");

    private ApiWorld _world = null!;

    private IDeviceCommands Commands => _world.Get<IDeviceCommands>();

    public async ValueTask InitializeAsync()
    {
        _world = await ApiWorld.MakeAsync();
        Assert.Equal(201, (await _world.PostAsync("/api/v1/devices", _world.Ann.Token, """{"id":"press"}""")).Status);
    }

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task A_command_is_sent_delivered_and_answered()
    {
        var sent = await SendAsync(
            """{"name":"open-valve","data":{"percent": 40.0, "what": "Öl <1>"},"needsAnswer":true,"lifetime":"2h"}"""
        );
        Assert.Equal((201, $"{Path}/1"), (sent.Status, sent.Headers["Location"]));
        Assert.Equal((1L, "open-valve", "waiting"), ((long)sent.Json["id"]!, (string)sent.Json["name"]!, (string)sent.Json["state"]!));
        Assert.Equal("2026-05-01T10:00:00Z", (string)sent.Json["expiresAt"]!);
        Assert.Equal(sent.Text, (await GetAsync(1)).Text);

        // As it was written, but for spaces.
        var open = Assert.Single(await Commands.ReadOpenAsync(ApiWorld.Plant, Press));
        Assert.Equal("""{"percent":40.0,"what":"Öl <1>"}""", Encoding.UTF8.GetString(open.Data.Span));
        Assert.Contains(""" "data":{"percent":40.0,"what":"Öl <1>"},""".Trim(), sent.Text, StringComparison.Ordinal);

        await Commands.ConfirmAsync(ApiWorld.Plant, Press, [1]);
        var delivered = (await GetAsync(1)).Json;
        Assert.Equal(("delivered", "2026-05-01T08:00:00Z"), ((string)delivered["state"]!, (string)delivered["deliveredAt"]!));
        Assert.Null(delivered["answer"]);
        await AnswerAsync(1, "application/json", """{"percent":38.5}"""u8.ToArray());
        var answered = (await GetAsync(1)).Json;
        Assert.Equal(("succeeded", 38.5), ((string)answered["state"]!, (double)answered["answer"]!["data"]!["percent"]!));
    }

    [Theory]
    [InlineData("application/json", "{\"a\":1}", "data", "{\"a\":1}")]
    [InlineData("application/senml+json; charset=utf-8", "[1]", "data", "[1]")]
    [InlineData(null, "12", "data", "12")]
    [InlineData("text/plain", "12", "text", "\"12\"")]
    [InlineData(null, "stuck", "text", "\"stuck\"")]
    [InlineData("application/json", "{", "text", "\"{\"")]
    [InlineData("application/json", "\"\\ud800\"", "text", "\"\\u0022\\\\ud800\\u0022\"")]
    [InlineData("application/cbor", "12", "base64", "\"MTI=\"")]
    [InlineData("text/plain", "\u00ff", "base64", "\"/w==\"")]
    [InlineData("application/json", "\"\u00ff\"", "base64", "\"Iv8i\"")]
    [InlineData("application/json", "", null, null)]
    public async Task An_answer_is_shown_as_what_it_is(string? contentType, string latin1, string? member, string? value)
    {
        await SendAsync("""{"name":"a"}""");
        await AnswerAsync(1, contentType, Encoding.Latin1.GetBytes(latin1));
        var answer = (await GetAsync(1)).Json["answer"]!.AsObject();
        Assert.Equal(contentType, (string?)answer["contentType"]);
        answer.Remove("contentType");
        var shown = answer.Where(one => one.Value is not null).Select(one => (one.Key, one.Value!.ToJsonString()));
        Assert.Equal(member is null ? [] : [(member, value!)], shown);
    }

    [Fact]
    public async Task What_is_nested_too_deep_for_readers_is_shown_as_text()
    {
        await SendAsync("""{"name":"a"}""");
        var deep = new string('[', 60) + new string(']', 60);
        await AnswerAsync(1, "application/json", Encoding.UTF8.GetBytes(deep));
        Assert.Equal(deep, (string?)(await GetAsync(1)).Json["answer"]!["text"]);
        Assert.Equal(200, (await _world.GetAsync(Path, _world.Ann.Token)).Status);
    }

    [Fact]
    public async Task Commands_are_listed_latest_first_page_by_page()
    {
        for (var i = 1; i <= 5; i++)
            await SendAsync($$"""{"name":"c{{i}}","data":{{i}}}""");
        await Commands.ConfirmAsync(ApiWorld.Plant, Press, [1, 3]);
        var ids = new List<long>();
        string? cursor = null;
        do
        {
            var page = (await _world.GetAsync($"{Path}?limit=2{(cursor is null ? "" : $"&cursor={cursor}")}", _world.Ann.Token)).Json;
            ids.AddRange(page["items"]!.AsArray().Select(item => (long)item!["id"]!));
            cursor = (string?)page["next"];
        } while (cursor is not null);
        Assert.Equal([5, 4, 3, 2, 1], ids);
    }

    [Fact]
    public async Task A_cursor_is_good_for_its_own_device_and_tenant_alone()
    {
        await SendAsync("""{"name":"a"}""");
        var cursor = (string?)(await _world.GetAsync($"{Path}?limit=1", _world.Ann.Token)).Json["next"];
        await _world.PostAsync("/api/v1/devices", _world.Ann.Token, """{"id":"pump"}""");
        await _world.PostAsync("/api/v1/devices", _world.Bob.Token, """{"id":"press"}""");
        Assert.Equal(200, (await _world.GetAsync($"{Path}?cursor={cursor}", _world.Ann.Token)).Status);
        Assert.Equal(400, (await _world.GetAsync($"/api/v1/devices/pump/commands?cursor={cursor}", _world.Ann.Token)).Status);
        Assert.Equal(400, (await _world.GetAsync($"{Path}?cursor={cursor}", _world.Bob.Token)).Status);
    }

    [Fact]
    public async Task A_page_of_large_commands_ends_before_its_limit_and_none_is_lost()
    {
        var data = new string('x', DeviceCommandRequest.MaxDataBytes - 2);
        var answer = new byte[DeviceCommandAnswer.MaxDataBytes];
        for (var i = 1; i <= 200; i++)
        {
            await Commands.SendAsync(
                ApiWorld.Plant,
                Press,
                new DeviceCommandRequest { Name = "a", Data = Encoding.UTF8.GetBytes($"\"{data}\"") }
            );
            await AnswerAsync(i, "application/octet-stream", answer);
        }

        var first = (await _world.GetAsync($"{Path}?limit=1000", _world.Ann.Token)).Json;
        var rest = (await _world.GetAsync($"{Path}?limit=1000&cursor={(string)first["next"]!}", _world.Ann.Token)).Json;
        var counts = (first["items"]!.AsArray().Count, rest["items"]!.AsArray().Count);
        Assert.Equal((128, 72), counts);
        Assert.Null(rest["next"]);
    }

    [Fact]
    public async Task A_command_is_taken_back_while_it_is_open()
    {
        await SendAsync("""{"name":"a"}""");
        await SendAsync("""{"name":"b"}""");
        await Commands.ConfirmAsync(ApiWorld.Plant, Press, [2]);
        var cancelled = await CancelAsync(1);
        Assert.Equal((200, "cancelled"), (cancelled.Status, (string)cancelled.Json["state"]!));
        Assert.Equal(cancelled.Text, (await CancelAsync(1)).Text);
        Assert.Equal("conflict", (await CancelAsync(2)).Problem);
        Assert.Equal("not-found", (await CancelAsync(3)).Problem);
        Assert.Empty(await Commands.ReadOpenAsync(ApiWorld.Plant, Press));
    }

    [Fact]
    public async Task A_request_that_comes_again_with_its_key_sends_one_command()
    {
        var key = ("Idempotency-Key", Guid.NewGuid().ToString());
        const string Body = """{"name":"a","data":{"n":1}}""";
        var sent = await _world.PostAsync(Path, _world.Ann.Token, Body, key);
        var again = await _world.PostAsync(Path, _world.Ann.Token, Body, key);
        Assert.Equal((201, sent.Text, "true"), (again.Status, again.Text, again.Headers["Idempotency-Replayed"]));
        Assert.Single(await Commands.ReadOpenAsync(ApiWorld.Plant, Press));
        var other = await _world.PostAsync(Path, _world.Ann.Token, """{"name":"a","data":{"n":2}}""", key);
        Assert.Equal("idempotency-key-reused", other.Problem);
    }

    [Fact]
    public async Task A_device_that_has_as_many_open_commands_as_it_may_gets_no_more_until_one_is_over()
    {
        for (var i = 0; i < IDeviceCommands.MaxOpen; i++)
            Assert.Equal(201, (await SendAsync("""{"name":"a"}""")).Status);
        var key = ("Idempotency-Key", Guid.NewGuid().ToString());
        var refused = await _world.PostAsync(Path, _world.Ann.Token, """{"name":"a"}""", key);
        Assert.Equal((403, "limit-reached"), (refused.Status, refused.Problem));
        await CancelAsync(1);
        Assert.Equal(201, (await _world.PostAsync(Path, _world.Ann.Token, """{"name":"a"}""", key)).Status);
    }

    [Theory]
    [InlineData("""{}""")]
    [InlineData("""{"name":""}""")]
    [InlineData("""{"name":"a\n"}""")]
    [InlineData("""{"name":"a","lifetime":"0s"}""")]
    [InlineData("""{"name":"a","lifetime":"500ms"}""")]
    [InlineData("""{"name":"a","lifetime":"31d"}""")]
    [InlineData("""{"name":"a","lifetime":"soon"}""")]
    [InlineData("""{"name":"a","data":"\ud800"}""")]
    [InlineData("""{"name":"a","data":{"n":1,"n":2}}""")]
    [InlineData("""{"name":"a","data":[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]}""")]
    [InlineData("""{"name":"a","unknown":1}""")]
    public async Task What_is_not_valid_is_refused_and_nothing_is_sent(string body)
    {
        foreach (var headers in new (string, string)[][] { [], [("Idempotency-Key", Guid.NewGuid().ToString())] })
            Assert.Equal((400, "invalid"), await ToldAsync(_world.PostAsync(Path, _world.Ann.Token, body, headers)));
        Assert.Empty(await Commands.ReadOpenAsync(ApiWorld.Plant, Press));
    }

    [Fact]
    public async Task Data_larger_than_16_KiB_is_refused()
    {
        Assert.Equal(201, (await SendAsync(Body(DeviceCommandRequest.MaxDataBytes - 2))).Status);
        Assert.Equal("invalid", (await SendAsync(Body(DeviceCommandRequest.MaxDataBytes - 1))).Problem);

        static string Body(int length) => $$"""{"name":"a","data":"{{new string('x', length)}}"}""";
    }

    [Theory]
    [InlineData("/api/v1/devices/missing/commands")]
    [InlineData("/api/v1/devices/not%20an%20id/commands")]
    public async Task A_device_that_is_not_there_has_no_commands(string path)
    {
        Assert.Equal((404, "not-found"), await ToldAsync(_world.GetAsync(path, _world.Ann.Token)));
        Assert.Equal((404, "not-found"), await ToldAsync(_world.PostAsync(path, _world.Ann.Token, """{"name":"a"}""")));
        Assert.Equal((404, "not-found"), await ToldAsync(_world.GetAsync($"{path}/1", _world.Ann.Token)));
        Assert.Equal((404, "not-found"), await ToldAsync(_world.SendAsync(HttpMethod.Delete, $"{path}/1", _world.Ann.Token)));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("x")]
    [InlineData("99999999999999999999")]
    public async Task What_is_no_commands_id_is_not_found(string id)
    {
        await SendAsync("""{"name":"a"}""");
        Assert.Equal((404, "not-found"), await ToldAsync(_world.GetAsync($"{Path}/{id}", _world.Ann.Token)));
        Assert.Equal((404, "not-found"), await ToldAsync(_world.SendAsync(HttpMethod.Delete, $"{Path}/{id}", _world.Ann.Token)));
    }

    [Fact]
    public async Task A_device_of_the_same_name_gets_nothing_that_was_sent_to_the_one_before()
    {
        await SendAsync("""{"name":"a","needsAnswer":true}""");
        await SendAsync("""{"name":"b"}""");
        await Commands.ConfirmAsync(ApiWorld.Plant, Press, [2]);
        Assert.Equal(204, (await _world.SendAsync(HttpMethod.Delete, "/api/v1/devices/press", _world.Ann.Token)).Status);
        Assert.Equal(404, (await GetAsync(2)).Status);
        await _world.PostAsync("/api/v1/devices", _world.Ann.Token, """{"id":"press"}""");
        Assert.Empty(await Commands.ReadOpenAsync(ApiWorld.Plant, Press));
        Assert.Empty((await _world.GetAsync(Path, _world.Ann.Token)).Json["items"]!.AsArray());
    }

    [Fact]
    public async Task What_is_sent_while_its_device_is_removed_is_not_left_for_the_next()
    {
        Commands.Changed += Remove;
        Assert.Equal(404, (await SendAsync("""{"name":"a"}""")).Status);
        Commands.Changed -= Remove;
        Assert.Empty(await Commands.ListAsync(ApiWorld.Plant, Press, null, 10));
        Assert.Empty(await Commands.ReadOpenAsync(ApiWorld.Plant, Press));
    }

    [Fact]
    public async Task Who_may_see_devices_sees_their_commands_and_who_may_execute_sends_them()
    {
        var viewer = await _world.AddAsync("vic", ApiWorld.Plant, "viewer");
        var worker = await _world.AddAsync("wanda", ApiWorld.Plant, "operator");
        Assert.Equal("permission-denied", (await _world.PostAsync(Path, viewer.Token, """{"name":"a"}""")).Problem);
        Assert.Equal(201, (await _world.PostAsync(Path, worker.Token, """{"name":"a"}""")).Status);
        Assert.Equal(200, (await _world.GetAsync($"{Path}/1", viewer.Token)).Status);
        Assert.Equal("permission-denied", (await _world.SendAsync(HttpMethod.Delete, $"{Path}/1", viewer.Token)).Problem);
        Assert.Equal(200, (await _world.SendAsync(HttpMethod.Delete, $"{Path}/1", worker.Token)).Status);
    }

    [Fact]
    public async Task What_is_sent_and_taken_back_is_in_the_log_without_its_data()
    {
        await SendAsync("""{"name":"open-valve","data":"hush"}""");
        await CancelAsync(1);
        await CancelAsync(2);
        var log = (await _world.GetAsync("/api/v1/audit", _world.Ann.Token)).Json["items"]!.AsArray();
        Assert.Equal(
            [
                ("command.send", "press 1 open-valve", null),
                ("command.cancel", "press 1 open-valve", null),
                ("command.cancel", $"{Path}/2", "not-found"),
            ],
            log.Skip(1).Select(entry => ((string)entry!["action"]!, (string)entry["target"]!, (string?)entry["refusal"]))
        );
        Assert.DoesNotContain("hush", log.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_that_keeps_no_commands_says_so_and_removes_devices_all_the_same()
    {
        await using var world = await ApiWorld.MakeAsync(configure: iiot => iiot.Services.RemoveAll<IDeviceCommands>());
        await world.PostAsync("/api/v1/devices", world.Ann.Token, """{"id":"press"}""");
        Assert.Equal((501, "not-available"), await ToldAsync(world.GetAsync(Path, world.Ann.Token)));
        Assert.Equal((501, "not-available"), await ToldAsync(world.PostAsync(Path, world.Ann.Token, """{"name":"a"}""")));
        Assert.Equal((501, "not-available"), await ToldAsync(world.GetAsync($"{Path}/1", world.Ann.Token)));
        Assert.Equal((501, "not-available"), await ToldAsync(world.SendAsync(HttpMethod.Delete, $"{Path}/1", world.Ann.Token)));
        Assert.Equal(204, (await world.SendAsync(HttpMethod.Delete, "/api/v1/devices/press", world.Ann.Token)).Status);
    }

    private static async Task<(int, string?)> ToldAsync(Task<ApiWorld.Answer> request)
    {
        var answer = await request;
        return (answer.Status, answer.Problem);
    }

    // Told when the command is committed, and before its sender is.
    private void Remove(TenantId tenant, DeviceId device) => _world.Get<IDeviceRegistry>().RemoveAsync(tenant, device).AsTask().Wait();

    private Task<ApiWorld.Answer> SendAsync(string body) => _world.PostAsync(Path, _world.Ann.Token, body);

    private Task<ApiWorld.Answer> GetAsync(long id) => _world.GetAsync($"{Path}/{id}", _world.Ann.Token);

    private Task<ApiWorld.Answer> CancelAsync(long id) => _world.SendAsync(HttpMethod.Delete, $"{Path}/{id}", _world.Ann.Token);

    private async Task AnswerAsync(long id, string? contentType, byte[] data) =>
        await Commands.AnswerAsync(
            ApiWorld.Plant,
            Press,
            id,
            new DeviceCommandAnswer
            {
                IsSuccess = true,
                ContentType = contentType,
                Data = data,
            }
        );
}
