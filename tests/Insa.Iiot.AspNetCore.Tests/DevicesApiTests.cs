using System.Text;
using System.Text.Json.Nodes;
using Insa.Iiot.AspNetCore.Idempotency;
using Insa.Iiot.Peers;

namespace Insa.Iiot.AspNetCore.Tests;

public sealed class DevicesApiTests : IAsyncLifetime
{
    private ApiWorld _world = null!;

    public async ValueTask InitializeAsync() => _world = await ApiWorld.MakeAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task A_device_lives_from_post_to_delete()
    {
        var made = await PostAsync("devices", """{"id":"press","name":"Press"}""");
        Assert.Equal((201, "press@plant", "\"1\""), (made.Status, (string)made.Json["username"]!, made.Headers["ETag"]));
        Assert.Equal("exists", (await PostAsync("devices", """{"id":"press"}""")).Problem);
        Assert.Equal("not-found", (await PostAsync("devices", """{"id":"pump","gatewayId":"nobody"}""")).Problem);

        Assert.Equal("precondition-required", (await PutAsync("devices/press", """{"name":"New"}""", ifMatch: null)).Problem);
        Assert.Equal("changed", (await PutAsync("devices/press", """{"name":"New"}""", "\"7\"")).Problem);
        var changed = await PutAsync("devices/press", """{"name":"New","state":"disabled"}""", made.Headers["ETag"]);
        Assert.Equal(
            ("New", "disabled", 2),
            ((string)changed.Json["name"]!, (string)changed.Json["state"]!, (int)changed.Json["version"]!)
        );
        Assert.Equal(401, await PublishAsync(made.Json, """{"data":{"n":1}}"""));

        Assert.Equal(204, (await DeleteAsync("devices/press")).Status);
        Assert.Equal(404, (await GetAsync("devices/press")).Status);
        Assert.Equal(404, (await DeleteAsync("devices/press")).Status);
    }

    [Fact]
    public async Task Credentials_are_listed_rotated_and_revoked_and_never_shown_again()
    {
        var made = (await PostAsync("devices", """{"id":"press"}""")).Json;
        Assert.Equal(204, await PublishAsync(made, """{"data":{"n":1}}"""));
        var rotated = (await PostAsync("devices/press/credentials/password", "")).Json;
        Assert.Equal(401, await PublishAsync(made, """{"data":{"n":1}}"""));
        var psk = (await PostAsync("devices/press/credentials/psk", "")).Json;
        Assert.Equal(("press@plant", 64), ((string)psk["identity"]!, ((string)psk["key"]!).Length));
        Assert.Equal(
            204,
            (await PostAsync("devices/press/credentials/certificates", $$"""{"certificate":"{{new string('a', 64)}}"}""")).Status
        );
        Assert.Equal("invalid", (await PostAsync("devices/press/credentials/certificates", """{"certificate":"none"}""")).Problem);
        var listed = await GetAsync("devices/press/credentials");
        Assert.Equal(["password", "psk", "certificate"], listed.Json["items"]!.AsArray().Select(item => (string)item!["kind"]!));
        Assert.DoesNotContain((string)rotated["secret"]!, listed.Text, StringComparison.Ordinal);
        Assert.DoesNotContain((string)psk["key"]!, listed.Text, StringComparison.Ordinal);
        Assert.Equal(204, (await DeleteAsync($"devices/press/credentials/{new string('a', 64)}")).Status);
        Assert.Equal(404, (await DeleteAsync($"devices/press/credentials/{new string('a', 64)}")).Status);
    }

    [Fact]
    public async Task A_public_key_stands_for_a_device_without_a_certificate()
    {
        await PostAsync("devices", """{"id":"press"}""");
        using var key = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        var pem = System.Text.Json.JsonSerializer.Serialize(key.ExportSubjectPublicKeyInfoPem());
        Assert.Equal(204, (await PostAsync("devices/press/credentials/certificates", $$"""{"certificate":{{pem}}}""")).Status);
        var sha256 = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(key.ExportSubjectPublicKeyInfo()));
        Assert.Equal(204, (await DeleteAsync($"devices/press/credentials/{sha256}")).Status);
        const string Broken = @"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----";
        Assert.Equal("invalid", (await PostAsync("devices/press/credentials/certificates", $$"""{"certificate":"{{Broken}}"}""")).Problem);
    }

    [Fact]
    public async Task Authorities_of_certificates_are_trusted_and_their_certificates_revoked()
    {
        using var authority = new TestAuthority("CN=Factory,O=Plant");
        var body = ApiWorld.ToTrust(authority);
        var made = await PostAsync("device-authorities", body);
        Assert.Equal((201, "CN=Factory, O=Plant"), (made.Status, (string)made.Json["subject"]!));
        var path = $"device-authorities/{made.Json["id"]}";
        Assert.Equal(made.Text, (await GetAsync(path)).Text);
        Assert.Equal("exists", (await PostAsync("device-authorities", body)).Problem);
        Assert.Equal("invalid", (await PostAsync("device-authorities", """{"name":"It","certificate":"none"}""")).Problem);

        var revoked = await PostAsync($"{path}/revocations", """{"serial":"00:0a:bc"}""");
        Assert.Equal((200, "ABC"), (revoked.Status, (string)revoked.Json["serial"]!));
        Assert.Equal(revoked.Text, (await PostAsync($"{path}/revocations", """{"serial":"ABC"}""")).Text);
        Assert.Equal("invalid", (await PostAsync($"{path}/revocations", """{"serial":"none"}""")).Problem);
        Assert.Equal("ABC", (string)(await GetAsync($"{path}/revocations")).Json["items"]!.AsArray().Single()!["serial"]!);
        Assert.Equal(204, (await DeleteAsync($"{path}/revocations/ABC")).Status);
        Assert.Equal(404, (await DeleteAsync($"{path}/revocations/ABC")).Status);

        Assert.Equal(204, (await DeleteAsync(path)).Status);
        Assert.Equal(404, (await DeleteAsync(path)).Status);
        Assert.Equal(404, (await GetAsync($"{path}/revocations")).Status);
        Assert.Empty((await GetAsync("device-authorities")).Json["items"]!.AsArray());
    }

    [Fact]
    public async Task An_import_tells_of_each_row()
    {
        await PostAsync("devices", """{"id":"old"}""");
        var answer = await PostAsync(
            "devices/import",
            """{"devices":[{"id":"gate"},{"id":"old"},{"id":"no id"},{"id":"a","gatewayId":"gate"},{"id":"b","gatewayId":"nobody"}]}"""
        );
        Assert.Equal(2, (int)answer.Json["added"]!);
        Assert.Equal(
            ["added", "exists", "invalid", "added", "gatewayNotFound"],
            answer.Json["devices"]!.AsArray().Select(row => (string)row!["result"]!)
        );
        Assert.Equal(204, await PublishAsync(answer.Json["devices"]![3]!, """{"data":{"n":1}}"""));
    }

    [Fact]
    public async Task The_same_request_with_one_key_is_done_once_and_answered_alike()
    {
        var key = ("Idempotency-Key", Guid.NewGuid().ToString());
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => PostAsync("devices", """{"id":"press"}""", key)));
        var first = Assert.Single(answers, answer => answer.Status == 201 && !answer.Headers.ContainsKey("Idempotency-Replayed"));
        Assert.All(answers.Where(answer => answer.Status == 201), answer => Assert.Equal(first.Body, answer.Body));
        Assert.All(answers.Where(answer => answer.Status != 201), answer => Assert.Equal("in-progress", answer.Problem));
        Assert.Equal(first.Body, (await PostAsync("devices", """{"id":"press"}""", key)).Body);
        Assert.Equal("idempotency-key-reused", (await PostAsync("devices", """{"id":"pump"}""", key)).Problem);
        Assert.Equal("invalid", (await PostAsync("devices", """{"id":"pump"}""", ("Idempotency-Key", "short"))).Problem);

        // The secret in the answer is not readable in the store.
        var secret = (string)first.Json["password"]!;
        var records = await _world.Get<IControlStore>().ListAsync(ControlScope.Of(ApiWorld.Plant), "idempotency", null, 10);
        Assert.DoesNotContain(secret, Encoding.UTF8.GetString(Assert.Single(records).Body.Span), StringComparison.Ordinal);

        // After a day it is forgotten, and the key may be used for anything.
        _world.Time.Advance(TimeSpan.FromDays(1));
        await _world.Get<IdempotencySweep>().SweepAsync(CancellationToken.None);
        Assert.Empty(await _world.Get<IControlStore>().ListAsync(ControlScope.Of(ApiWorld.Plant), "idempotency", null, 10));
    }

    [Fact]
    public async Task What_failed_may_be_tried_again_with_its_key()
    {
        var key = ("Idempotency-Key", Guid.NewGuid().ToString());
        Assert.Equal("not-found", (await PostAsync("devices", """{"id":"pump","gatewayId":"gate"}""", key)).Problem);
        await PostAsync("devices", """{"id":"gate"}""");
        Assert.Equal(201, (await PostAsync("devices", """{"id":"pump","gatewayId":"gate"}""", key)).Status);
    }

    [Fact]
    public async Task A_dead_letter_is_mended_and_stored_as_of_when_it_came()
    {
        var press = (await PostAsync("devices", """{"id":"press"}""")).Json;
        Assert.Equal(400, await PublishAsync(press, """{"data":{"n":}}"""));
        var letter = Assert.Single((await GetAsync("dead-letters")).Json["items"]!.AsArray())!;
        var came = (string)letter["receivedAt"]!;
        _world.Time.Advance(TimeSpan.FromMinutes(10));
        var payload = Convert.ToBase64String("""{"data":{"n":7}}"""u8);
        Assert.Equal(204, (await PostAsync($"dead-letters/{letter["id"]}/replay", $$"""{"payload":"{{payload}}"}""")).Status);
        var point = Assert.Single((await GetAsync("devices/press/telemetry/latest")).Json["points"]!.AsArray())!;
        Assert.Equal((7.0, came), ((double)point["value"]!, (string)point["timestamp"]!));
        Assert.Empty((await GetAsync("dead-letters")).Json["items"]!.AsArray());
    }

    [Fact]
    public async Task A_dead_letter_of_a_gateway_is_replayed_for_the_devices_it_speaks_for()
    {
        var gate = (await PostAsync("devices", """{"id":"gate"}""")).Json;
        await PostAsync("devices", """{"id":"press","gatewayId":"gate"}""");
        Assert.Equal(400, await PublishAsync(gate, """{"data":{"n":}}"""));
        var letter = Assert.Single((await GetAsync("dead-letters")).Json["items"]!.AsArray())!;
        var payload = Convert.ToBase64String("""[{"n":"press/n","v":7}]"""u8);
        var replay = $$"""{"payload":"{{payload}}","mediaType":"application/senml+json"}""";
        Assert.Equal(200, (await PutAsync("devices/gate", """{"state":"disabled"}""", "*")).Status);
        Assert.Equal("conflict", (await PostAsync($"dead-letters/{letter["id"]}/replay", replay)).Problem);
        Assert.Equal(200, (await PutAsync("devices/gate", """{"state":"enabled"}""", "*")).Status);
        Assert.Equal(204, (await PostAsync($"dead-letters/{letter["id"]}/replay", replay)).Status);
        var point = Assert.Single((await GetAsync("devices/press/telemetry/latest")).Json["points"]!.AsArray())!;
        Assert.Equal(("n", 7.0), ((string)point["metric"]!, (double)point["value"]!));
    }

    [Fact]
    public async Task Telemetry_comes_in_cbor_too()
    {
        await PostAsync("devices", """{"id":"press"}""");
        // {"data": {"temp": 21.5}}
        var cbor = Convert.FromHexString("A16464617461A16474656D70F94D60");
        Assert.Equal(204, await SendAsync("application/cbor", cbor));
        var point = Assert.Single((await GetAsync("devices/press/telemetry/latest")).Json["points"]!.AsArray())!;
        Assert.Equal(("temp", 21.5), ((string)point["metric"]!, (double)point["value"]!));
        Assert.Equal(400, await SendAsync("application/cbor", cbor[..^1]));
        Assert.Equal(415, await SendAsync("application/x-cbor", cbor));
    }

    [Fact]
    public async Task An_export_is_csv_or_ndjson_and_no_formula()
    {
        await PostAsync("devices", """{"id":"press"}""");
        await PostAsync("devices/press/telemetry", """{"data":{"n":-1.5,"t":"=cmd(), \"x\""},"timestamp":1777622400000}""");
        Assert.Equal(
            "timestamp,metric,value,quality\r\n2026-05-01T08:00:00Z,n,-1.5,good\r\n2026-05-01T08:00:00Z,t,\"'=cmd(), \"\"x\"\"\",good\r\n",
            (await GetAsync("devices/press/telemetry/export")).Text
        );
        var lines = (await GetAsync("devices/press/telemetry/export?format=ndjson")).Text.Split(
            '\n',
            StringSplitOptions.RemoveEmptyEntries
        );
        Assert.Equal(["n", "t"], lines.Select(line => (string)JsonNode.Parse(line)!["metric"]!));
    }

    [Fact]
    public async Task Too_many_requests_are_told_when_to_come_again()
    {
        await using var world = await ApiWorld.MakeAsync(configure: iiot =>
            Microsoft.Extensions.DependencyInjection.RestApiIiotBuilderExtensions.AddRestApi(iiot, api => api.CallerRate = "3:60")
        );
        for (var i = 3; i > 0; i--)
        {
            var answer = await world.GetAsync("/api/v1/me", world.Ann.Token);
            Assert.Equal(
                ("\"60s\";q=3;w=60", $"\"60s\";r={i - 1};t={(4 - i) * 20}"),
                (answer.Headers["RateLimit-Policy"], answer.Headers["RateLimit"])
            );
        }

        var refused = await world.GetAsync("/api/v1/me", world.Ann.Token);
        Assert.Equal((429, "quota-exceeded", "20"), (refused.Status, refused.Problem, refused.Headers["Retry-After"]));
        Assert.Equal(200, (await world.GetAsync("/api/v1/me", world.Bob.Token)).Status);
    }

    private Task<ApiWorld.Answer> GetAsync(string path) => _world.GetAsync($"/api/v1/{path}", _world.Ann.Token);

    private Task<ApiWorld.Answer> PostAsync(string path, string body, params (string, string)[] headers) =>
        _world.PostAsync($"/api/v1/{path}", _world.Ann.Token, body, headers);

    private Task<ApiWorld.Answer> PutAsync(string path, string body, string? ifMatch) =>
        _world.SendAsync(HttpMethod.Put, $"/api/v1/{path}", _world.Ann.Token, body, ifMatch is null ? [] : [("If-Match", ifMatch)]);

    private Task<ApiWorld.Answer> DeleteAsync(string path) => _world.SendAsync(HttpMethod.Delete, $"/api/v1/{path}", _world.Ann.Token);

    private async Task<int> SendAsync(string mediaType, byte[] body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/devices/press/telemetry");
        request.Content = new ByteArrayContent(body);
        request.Content.Headers.ContentType = new(mediaType);
        request.Headers.Authorization = new("Bearer", _world.Ann.Token);
        using var answer = await _world.Http.SendAsync(request);
        return (int)answer.StatusCode;
    }

    private async Task<int> PublishAsync(JsonNode device, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/telemetry");
        request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        request.Headers.Authorization = new(
            "Basic",
            Convert.ToBase64String(Encoding.UTF8.GetBytes($"{device["username"]}:{device["password"]}"))
        );
        using var answer = await _world.Http.SendAsync(request);
        return (int)answer.StatusCode;
    }
}
