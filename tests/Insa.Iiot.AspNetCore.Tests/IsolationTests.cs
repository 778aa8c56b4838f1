using System.Text;
using System.Text.Json.Nodes;
using Insa.Iiot.Peers;
using Insa.Iiot.Tenancy;
using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.AspNetCore.Tests;

/// <summary>
/// What one tenant sees of another, for every route with an id and every id in every body, taken from the OpenAPI document: the same as of what
/// does not exist, byte by byte. A route whose ids are not known here fails.
/// </summary>
public abstract class IsolationTests : IAsyncLifetime
{
    private const string Missing = "missing";

    /// <summary>A device that both tenants have.</summary>
    private const string Shared = "shared";

    private readonly Dictionary<string, string> _plants = [];
    private readonly Dictionary<string, string> _others = [];
    private readonly Dictionary<string, string> _nobodys = [];
    private ApiWorld _world = null!;
    private JsonNode _document = null!;
    private ApiExamples _examples = null!;

    protected abstract Task<Action<IiotBuilder>?> MakeStoreAsync();

    public async ValueTask InitializeAsync()
    {
        _world = await ApiWorld.MakeAsync(
            configure: iiot =>
                iiot.AddRestApi(api =>
                {
                    api.CallerRate = "100000:1";
                    api.TenantRate = "100000:1";
                }),
            store: await MakeStoreAsync()
        );
        _document = (await _world.GetAsync("/openapi/v1.json", null)).Json;
        _examples = new ApiExamples(_document);
        await FillAsync(_world.Ann, ApiWorld.Plant, _plants);
        await FillAsync(_world.Bob, ApiWorld.Other, _others);
        foreach (var (name, id) in _plants)
            _nobodys[name] =
                Guid.TryParse(id, out var uuid) ? Guid.NewGuid().ToString(id.Length == 32 ? "N" : "D")
                : long.TryParse(id, out _) ? "999999999"
                : name == "sessionId" ? id.Replace(_world.Ann.Id, Guid.NewGuid().ToString(), StringComparison.Ordinal)
                : Missing;
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_world is not null)
            await _world.DisposeAsync();
    }

    [Fact]
    public async Task Another_tenants_id_in_a_path_is_as_one_that_does_not_exist()
    {
        var before = await SeenByAnnAsync();
        var routes = 0;
        foreach (var (path, method, operation) in OpenApiTests.Operations(_document))
        {
            if (!path.Contains('{', StringComparison.Ordinal))
                continue;
            var strange = await SendAsBobAsync(method, path, operation, name => _plants[name]);
            if (path.Contains("{sequence", StringComparison.Ordinal))
            {
                // Every tenant's log has a first entry: this one is Bob's own.
                Assert.Contains(_world.Bob.Id, strange.Text, StringComparison.Ordinal);
                Assert.DoesNotContain(_world.Ann.Id, strange.Text, StringComparison.Ordinal);
                continue;
            }

            var missing = await SendAsBobAsync(method, path, operation, name => _nobodys[name]);
            var isOperators = operation["x-operator"] is not null;
            Assert.True(strange.Status == (isOperators ? 403 : 404), $"{method} {path}: {strange.Status} {strange.Text}");
            Assert.Equal(Told(missing), Told(strange));
            routes++;
        }

        Assert.True(routes >= 30, $"{routes} routes");
        Assert.Equal(before, await SeenByAnnAsync());
    }

    [Fact]
    public async Task Another_tenants_id_in_a_body_is_as_one_that_does_not_exist()
    {
        var bodies = 0;
        foreach (var (path, method, operation) in OpenApiTests.Operations(_document))
        {
            foreach (var member in _examples.IdsOf(operation))
            {
                if (path.EndsWith("/auth/exchange", StringComparison.Ordinal))
                    continue; // needs another issuer's token: see ExternalIssuerTests
                var strange = await SendAsBobAsync(
                    method,
                    path,
                    operation,
                    name => _others[name],
                    name => name == member ? _plants[KeyOf(name)] : OwnOf(name)
                );
                var missing = await SendAsBobAsync(
                    method,
                    path,
                    operation,
                    name => _others[name],
                    name => name == member ? _nobodys[KeyOf(name)] : OwnOf(name)
                );
                Assert.True(strange.Status is 401 or 403 or 404, $"{method} {path} {member}: {strange.Status} {strange.Text}");
                Assert.Equal(Told(missing), Told(strange));
                bodies++;
            }
        }

        Assert.True(bodies >= 6, $"{bodies} bodies");
    }

    [Fact]
    public async Task Another_tenants_id_in_a_query_is_as_one_that_does_not_exist()
    {
        var strange = await _world.GetAsync($"/api/v1/devices?gatewayId={_plants["gatewayId"]}", _world.Bob.Token);
        var missing = await _world.GetAsync($"/api/v1/devices?gatewayId={Missing}", _world.Bob.Token);
        Assert.Equal(200, strange.Status);
        Assert.Equal(Told(missing), Told(strange));
    }

    [Fact]
    public async Task Devices_of_one_name_are_each_tenants_own()
    {
        foreach (
            var read in new[]
            {
                "telemetry",
                "telemetry/latest",
                "telemetry/export",
                "commands",
                "commands/1",
                "telemetry/aggregate?metric=n&from=2026-05-01T00:00:00Z&to=2026-05-02T00:00:00Z&bucket=1h",
            }
        )
        {
            var mine = await _world.GetAsync($"/api/v1/devices/{Shared}/{read}", _world.Ann.Token);
            var theirs = await _world.GetAsync($"/api/v1/devices/{Shared}/{read}", _world.Bob.Token);
            Assert.Equal((200, 200), (mine.Status, theirs.Status));
            Assert.Contains(ValueOf(ApiWorld.Plant), mine.Text, StringComparison.Ordinal);
            Assert.DoesNotContain(ValueOf(ApiWorld.Other), mine.Text, StringComparison.Ordinal);
            Assert.Contains(ValueOf(ApiWorld.Other), theirs.Text, StringComparison.Ordinal);
            Assert.DoesNotContain(ValueOf(ApiWorld.Plant), theirs.Text, StringComparison.Ordinal);
        }

        var cancel = await _world.SendAsync(HttpMethod.Delete, $"/api/v1/devices/{Shared}/commands/1", _world.Bob.Token);
        Assert.Equal(200, cancel.Status);
        Assert.Equal(204, (await _world.SendAsync(HttpMethod.Delete, $"/api/v1/devices/{Shared}", _world.Bob.Token)).Status);
        Assert.Equal(200, (await _world.GetAsync($"/api/v1/devices/{Shared}", _world.Ann.Token)).Status);
        var command = (await _world.GetAsync($"/api/v1/devices/{Shared}/commands/1", _world.Ann.Token)).Json;
        Assert.Equal("waiting", (string)command["state"]!);
    }

    [Fact]
    public async Task Retention_policies_of_one_id_are_each_tenants_own()
    {
        var path = $"/api/v1/tenant/retention-policies/{_plants["policyId"]}";
        var made = await _world.PostAsync("/api/v1/tenant/retention-policies", _world.Bob.Token, """{"tier":"raw","keep":"7d"}""");
        Assert.Equal((201, _plants["policyId"]), (made.Status, (string)made.Json["id"]!));
        var tag = (await _world.GetAsync(path, _world.Ann.Token)).Headers["ETag"];
        Assert.Equal("changed", (await ChangeAsync(HttpMethod.Put, """{"keep":"8d"}""", tag)).Problem);
        Assert.Equal("changed", (await ChangeAsync(HttpMethod.Delete, null, tag)).Problem);
        Assert.Equal(200, (await ChangeAsync(HttpMethod.Put, """{"keep":"8d"}""", "*")).Status);
        Assert.Equal(204, (await ChangeAsync(HttpMethod.Delete, null, "*")).Status);
        Assert.Equal("36500d", (string)(await _world.GetAsync(path, _world.Ann.Token)).Json["keep"]!);

        Task<ApiWorld.Answer> ChangeAsync(HttpMethod method, string? body, string ifMatch) =>
            _world.SendAsync(method, path, _world.Bob.Token, body, ("If-Match", ifMatch));
    }

    [Fact]
    public async Task A_cursor_is_worth_nothing_to_another_tenant()
    {
        var lists = 0;
        foreach (var (path, method, operation) in OpenApiTests.Operations(_document))
        {
            var takesCursor = operation["parameters"]?.AsArray().Any(parameter => (string?)parameter!["name"] == "cursor") == true;
            if (!takesCursor || operation["x-operator"] is not null || path.Contains('{', StringComparison.Ordinal))
                continue;
            var page = (await _world.GetAsync($"{path}?limit=1", _world.Ann.Token)).Json;
            var cursor = (string?)page["next"];
            Assert.True(cursor is not null, $"{path} has less than two");
            Assert.Equal(200, (await _world.GetAsync($"{path}?cursor={cursor}", _world.Ann.Token)).Status);
            var strange = await _world.SendAsync(new HttpMethod(method), $"{path}?cursor={cursor}", _world.Bob.Token);
            var garbage = await _world.SendAsync(new HttpMethod(method), $"{path}?cursor=AAAAAAAAAAAAAAAA", _world.Bob.Token);
            Assert.Equal((400, Told(garbage)), (strange.Status, Told(strange)));
            lists++;
        }

        Assert.True(lists >= 7, $"{lists} lists");
    }

    [Fact]
    public async Task An_idempotency_key_is_of_its_tenant_alone()
    {
        var key = ("Idempotency-Key", Guid.NewGuid().ToString());
        var mine = await _world.PostAsync("/api/v1/roles", _world.Ann.Token, """{"name":"Mine","permissions":["devices:read"]}""", key);
        var again = await _world.PostAsync("/api/v1/roles", _world.Ann.Token, """{"name":"Mine","permissions":["devices:read"]}""", key);
        Assert.Equal((201, "true"), (again.Status, again.Headers["Idempotency-Replayed"]));
        Assert.Equal(mine.Body, again.Body);
        var theirs = await _world.PostAsync("/api/v1/roles", _world.Bob.Token, """{"name":"Mine","permissions":["devices:read"]}""", key);
        Assert.Equal(201, theirs.Status);
        Assert.NotEqual((string?)mine.Json["id"], (string?)theirs.Json["id"]);
    }

    [Fact]
    public async Task An_entity_tag_tells_nothing_of_another_tenants()
    {
        var tag = (await _world.GetAsync($"/api/v1/devices/{_plants["deviceId"]}", _world.Ann.Token)).Headers["ETag"];
        Assert.Equal(
            304,
            (await _world.GetAsync($"/api/v1/devices/{_plants["deviceId"]}", _world.Ann.Token, ("If-None-Match", tag))).Status
        );
        Assert.Equal(
            404,
            (await _world.GetAsync($"/api/v1/devices/{_plants["deviceId"]}", _world.Bob.Token, ("If-None-Match", tag))).Status
        );
    }

    /// <summary>Whatever a tenant reads, nothing of the other is in it: every operation that reads and has no id in its path.</summary>
    [Fact]
    public async Task Nothing_that_a_tenant_reads_is_of_another()
    {
        var reads = 0;
        foreach (var (path, method, operation) in OpenApiTests.Operations(_document))
        {
            if (method != "GET" || path.Contains('{', StringComparison.Ordinal) || operation["x-operator"] is not null)
                continue;
            var answer = await _world.GetAsync(path, _world.Bob.Token);
            Assert.True(answer.Status is 200 or 404, $"{path}: {answer.Status} {answer.Text}");
            foreach (
                var name in new[]
                {
                    "deviceId",
                    "roleId",
                    "userId",
                    "invitationId",
                    "apiKeyId",
                    "childId",
                    "sessionId",
                    "policyId",
                    "authorityId",
                }
            )
                Assert.DoesNotContain(_plants[name], answer.Text, StringComparison.Ordinal);
            Assert.DoesNotContain("ann@example.com", answer.Text, StringComparison.Ordinal);
            reads++;
        }

        Assert.True(reads >= 20, $"{reads} reads");
    }

    private static string ValueOf(TenantId tenant) => tenant == ApiWorld.Plant ? "777.25" : "888.75";

    // What a body asks for by another name.
    private static string KeyOf(string member) =>
        member switch
        {
            "roleIds" or "ids" => "roleId",
            _ => member,
        };

    private string? OwnOf(string member) => member is "roleIds" or "ids" ? "viewer" : null;

    private static (int, string) Told(ApiWorld.Answer answer) => (answer.Status, answer.Text);

    private async Task<ApiWorld.Answer> SendAsBobAsync(
        string method,
        string path,
        JsonNode operation,
        Func<string, string> pathId,
        Func<string, string?>? bodyId = null
    )
    {
        var filled = string.Join('/', path.Split('/').Select(part => part is ['{', .. var name, '}'] ? pathId(name.Split(':')[0]) : part));
        foreach (var parameter in operation["parameters"]?.AsArray() ?? [])
        {
            if ((string?)parameter!["in"] == "query" && (bool?)parameter["required"] == true)
                filled +=
                    (filled.Contains('?', StringComparison.Ordinal) ? "&" : "?")
                    + (string)parameter["name"]!
                    + "="
                    + QueryOf((string)parameter["name"]!);
        }

        var isTelemetry = operation["requestBody"]?["content"]?["text/plain"] is not null;
        var body = isTelemetry ? """{"data":{"n":1}}""" : _examples.BodyOf(operation, bodyId ?? OwnOf)?.ToJsonString();
        return await _world.SendAsync(new HttpMethod(method), filled, _world.Bob.Token, body, ("If-Match", "*"));
    }

    private static string QueryOf(string name) =>
        name switch
        {
            "from" => "2026-05-01T00:00:00Z",
            "to" => "2026-05-02T00:00:00Z",
            "bucket" => "1h",
            _ => "7",
        };

    private async Task<string> SeenByAnnAsync()
    {
        var seen = new StringBuilder();
        foreach (
            var path in new[]
            {
                "devices",
                "roles",
                "members",
                "invitations",
                "api-keys",
                "dead-letters",
                "tenant/children",
                "tenant/retention-policies",
                "tenant",
                "auth/sessions",
                "device-authorities",
                $"device-authorities/{_plants["authorityId"]}/revocations",
            }
        )
            seen.AppendLine((await _world.GetAsync($"/api/v1/{path}", _world.Ann.Token)).Text);
        foreach (var part in new[] { "credentials", "commands" })
            seen.AppendLine((await _world.GetAsync($"/api/v1/devices/{_plants["deviceId"]}/{part}", _world.Ann.Token)).Text);
        return seen.ToString();
    }

    /// <summary>Makes at least two of everything, and notes one of each by the name that its id has in paths and bodies.</summary>
    private async Task FillAsync(ApiWorld.Person admin, TenantId tenant, Dictionary<string, string> ids)
    {
        for (var i = 0; i < 2; i++)
        {
            var device = await MakeAsync("/api/v1/devices", $$"""{"id":"{{tenant}}-press-{{i}}","name":"Press"}""");
            ids["deviceId"] = ids["gatewayId"] = (string)device["id"]!;
            var letter = await _world.Http.SendAsync(
                new HttpRequestMessage(HttpMethod.Post, "/api/v1/telemetry")
                {
                    Content = new StringContent("""{"data":{"n":}}""", Encoding.UTF8, "application/json"),
                    Headers =
                    {
                        Authorization = new(
                            "Basic",
                            Convert.ToBase64String(Encoding.UTF8.GetBytes($"{device["username"]}:{device["password"]}"))
                        ),
                    },
                }
            );
            Assert.Equal(400, (int)letter.StatusCode);
            var stored = await _world.PostAsync($"/api/v1/devices/{ids["deviceId"]}/telemetry", admin.Token, """{"data":{"n":1}}""");
            Assert.Equal(204, stored.Status);
            await MakeAsync($"/api/v1/devices/{ids["deviceId"]}/commands", $$"""{"name":"of {{tenant}}"}""");
            var role = await MakeAsync("/api/v1/roles", $$"""{"name":"{{tenant}} role","permissions":["devices:read"]}""");
            ids["roleId"] = (string)role["id"]!;
            ids["userId"] = (await _world.AddAsync($"{tenant}-member-{i}", tenant, "viewer")).Id;
            ids["invitationId"] = (string)
                (await MakeAsync("/api/v1/invitations", $$"""{"email":"{{tenant}}{{i}}@example.com","roleIds":["viewer"]}"""))["id"]!;
            ids["apiKeyId"] = (string)
                (await MakeAsync("/api/v1/api-keys", $$"""{"name":"{{tenant}} key","permissions":["devices:read"]}"""))["id"]!;
            ids["childId"] = (string)
                (await MakeAsync("/api/v1/tenant/children", $$"""{"id":"{{tenant}}-child-{{i}}","displayName":"Child"}"""))["id"]!;
        }

        using var authority = new TestAuthority($"CN=Factory of {tenant}");
        ids["authorityId"] = (string)(await MakeAsync("/api/v1/device-authorities", ApiWorld.ToTrust(authority)))["id"]!;
        ids["serial"] = tenant == ApiWorld.Plant ? "AAA1" : "BBB2";
        var revoked = await _world.PostAsync(
            $"/api/v1/device-authorities/{ids["authorityId"]}/revocations",
            admin.Token,
            $$"""{"serial":"{{ids["serial"]}}"}"""
        );
        Assert.Equal(200, revoked.Status);
        await MakeAsync("/api/v1/devices", $$"""{"id":"{{Shared}}"}""");
        var shared = await _world.PostAsync(
            $"/api/v1/devices/{Shared}/telemetry",
            admin.Token,
            $$$"""{"data":{"n":{{{ValueOf(tenant)}}}},"timestamp":1777622400000}"""
        );
        Assert.Equal(204, shared.Status);
        await MakeAsync($"/api/v1/devices/{Shared}/commands", $$"""{"name":"set","data":{{ValueOf(tenant)}}}""");

        // Its id is made of what it is for, so that the other's would be the same.
        ids["policyId"] =
            tenant == ApiWorld.Plant
                ? (string)(await MakeAsync("/api/v1/tenant/retention-policies", """{"tier":"raw","keep":"36500d"}"""))["id"]!
                : Missing;
        ids["tenantId"] = tenant.Value;
        ids["credentialId"] = "password";
        ids["commandId"] = "1";
        ids["sequence"] = "1";
        ids["letterId"] = (string)(await _world.GetAsync("/api/v1/dead-letters", admin.Token)).Json["items"]![0]!["id"]!;
        ids["sessionId"] = (string)(await _world.GetAsync("/api/v1/auth/sessions", admin.Token)).Json["items"]![0]!["id"]!;

        async Task<JsonNode> MakeAsync(string path, string body)
        {
            var answer = await _world.PostAsync(path, admin.Token, body);
            Assert.True(answer.Status == 201, $"{path}: {answer.Status} {answer.Text}");
            return answer.Json;
        }
    }
}
