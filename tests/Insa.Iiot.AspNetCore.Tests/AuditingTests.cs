using System.Text.Json.Nodes;
using Insa.Iiot.Tenancy;

namespace Insa.Iiot.AspNetCore.Tests;

public sealed class AuditingTests : IAsyncLifetime
{
    private ApiWorld _world = null!;

    public async ValueTask InitializeAsync() => _world = await ApiWorld.MakeAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task What_was_done_and_refused_is_in_the_tenants_log_and_in_no_other()
    {
        var viewer = await _world.AddAsync("vic", ApiWorld.Plant, "viewer");
        Assert.Equal(201, (await _world.PostAsync("/api/v1/devices", _world.Ann.Token, """{"id":"press"}""")).Status);
        Assert.Equal(409, (await _world.PostAsync("/api/v1/devices", _world.Ann.Token, """{"id":"press"}""")).Status);
        Assert.Equal(403, (await _world.PostAsync("/api/v1/devices", viewer.Token, """{"id":"pump"}""")).Status);
        Assert.Equal(403, (await _world.GetAsync("/api/v1/me/permissions", _world.Ann.Token, ("X-Tenant-Id", "other"))).Status);

        Assert.Equal(
            [
                (1, _world.Ann.Id, "device.create", null),
                (2, _world.Ann.Id, "device.create", "exists"),
                (3, viewer.Id, "device.create", "permission-denied devices:write"),
                (4, _world.Ann.Id, "request.refuse", "tenant-mismatch"),
            ],
            (await ReadAsync(_world.Ann)).Select(entry =>
                ((int)entry["sequence"]!, (string)entry["actor"]!, (string)entry["action"]!, (string?)entry["refusal"])
            )
        );
        Assert.Empty(await ReadAsync(_world.Bob));
    }

    [Fact]
    public async Task A_sign_in_is_in_the_log_of_its_tenant_and_a_wrong_one_in_the_platforms()
    {
        Assert.Equal(200, (await LoginAsync("ann@example.com", ApiWorld.Password)).Status);
        Assert.Equal(401, (await LoginAsync("ann@example.com", "not the password")).Status);
        var entry = Assert.Single(await ReadAsync(_world.Ann));
        Assert.Equal(
            (_world.Ann.Id, "auth.login", "ann@example.com"),
            ((string)entry["actor"]!, (string)entry["action"]!, (string)entry["target"]!)
        );
        var refused = Assert.Single(await _world.Get<AuditLog>().ListAsync(ControlScope.Platform, 0, 10));
        Assert.Equal(("anonymous", "auth.login", "sign-in-failed"), (refused.Actor, refused.Action, refused.Refusal));
    }

    [Fact]
    public async Task Who_acts_from_above_is_in_both_logs()
    {
        Assert.Equal(
            201,
            (await _world.PostAsync("/api/v1/tenant/children", _world.Ann.Token, """{"id":"plant-line","displayName":"Line"}""")).Status
        );
        var switched = await _world.PostAsync("/api/v1/auth/switch", _world.Ann.Token, """{"tenantId":"plant-line"}""");
        var below = _world.Ann with { Token = (string)switched.Json["accessToken"]! };
        Assert.Equal(201, (await _world.PostAsync("/api/v1/devices", below.Token, """{"id":"press"}""")).Status);
        Assert.Equal("plant", (string)(await _world.GetAsync("/api/v1/me", below.Token)).Json["actsFromTenantId"]!);
        Assert.Contains(await ReadAsync(below), IsOfPress);
        Assert.Contains(await ReadAsync(_world.Ann), IsOfPress);

        static bool IsOfPress(JsonNode entry) =>
            (string)entry["action"]! == "device.create" && (string?)entry["details"]!["actsFrom"] == "plant";
    }

    [Fact]
    public async Task An_export_is_verified_offline_and_secrets_are_not_in_it()
    {
        var device = (await _world.PostAsync("/api/v1/devices", _world.Ann.Token, """{"id":"press"}""")).Json;
        var key = (await _world.PostAsync("/api/v1/api-keys", _world.Ann.Token, """{"name":"k","permissions":["devices:read"]}""")).Json;
        var checkpoint = (await _world.PostAsync("/api/v1/audit/checkpoint", _world.Ann.Token, "")).Json;
        var export = await _world.GetAsync("/api/v1/audit/export", _world.Ann.Token);
        Assert.True(AuditCheckpoint.TryParse((string)checkpoint["text"]!, out var kept));
        using var stream = new MemoryStream(export.Body);
        var found = await AuditVerifier.VerifyAsync(stream, ControlScope.Of(ApiWorld.Plant), [], kept);
        Assert.Equal(AuditProblem.None, found.Problem);
        Assert.DoesNotContain((string)device["password"]!, export.Text, StringComparison.Ordinal);
        Assert.DoesNotContain((string)key["key"]!, export.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_an_operator_does_to_a_tenant_the_tenant_sees()
    {
        Assert.Equal(
            200,
            (
                await _world.SendAsync(HttpMethod.Post, "/api/v1/tenants/plant/suspend", _world.Olga.Token, body: null, ("If-Match", "*"))
            ).Status
        );
        Assert.Equal(
            200,
            (
                await _world.SendAsync(HttpMethod.Post, "/api/v1/tenants/plant/resume", _world.Olga.Token, body: null, ("If-Match", "*"))
            ).Status
        );
        Assert.Equal(
            [(_world.Olga.Id, "tenant.suspend"), (_world.Olga.Id, "tenant.resume")],
            (await ReadAsync(_world.Ann)).Select(entry => ((string)entry["actor"]!, (string)entry["action"]!))
        );
    }

    [Fact]
    public async Task Who_has_left_a_tenant_writes_no_more_to_its_log()
    {
        var viewer = await _world.AddAsync("vic", ApiWorld.Plant, "viewer");
        await _world.Get<TenantMembers>().RemoveAsync(ApiWorld.Plant, Actor.Platform, viewer.Id);
        Assert.Equal("no-tenant", (await _world.PostAsync("/api/v1/devices", viewer.Token, """{"id":"pump"}""")).Problem);
        var renewed = await _world.PostAsync("/api/v1/auth/refresh", null, $$"""{"refreshToken":"{{viewer.RefreshToken}}"}""");
        Assert.Null((string?)renewed.Json["tenantId"]);
        Assert.Equal(204, (await _world.PostAsync("/api/v1/auth/logout", (string)renewed.Json["accessToken"]!, "")).Status);
        Assert.Empty(await ReadAsync(_world.Ann));
        Assert.Equal(
            ["device.create", "auth.refresh", "auth.logout"],
            (await _world.Get<AuditLog>().ListAsync(ControlScope.Platform, 0, 10)).Select(entry => entry.Action)
        );
    }

    [Fact]
    public async Task An_export_is_in_the_log_before_its_first_byte()
    {
        await _world.PostAsync("/api/v1/devices", _world.Ann.Token, """{"id":"press"}""");
        foreach (var path in (string[])["devices/press/telemetry/export", "tenant/usage/export", "audit/export"])
            Assert.Equal(200, (await _world.GetAsync($"/api/v1/{path}", _world.Ann.Token)).Status);
        Assert.Equal(
            ["device.create", "telemetry.export", "usage.export", "audit.export"],
            (await ReadAsync(_world.Ann)).Select(entry => (string)entry["action"]!)
        );
        Assert.Contains("audit.export", (await _world.GetAsync("/api/v1/audit/export", _world.Ann.Token)).Text, StringComparison.Ordinal);
    }

    private Task<ApiWorld.Answer> LoginAsync(string email, string password) =>
        _world.PostAsync("/api/v1/auth/login", null, $$"""{"email":"{{email}}","password":"{{password}}"}""");

    private async Task<List<JsonNode>> ReadAsync(ApiWorld.Person person) =>
        [.. (await _world.GetAsync("/api/v1/audit", person.Token)).Json["items"]!.AsArray().Select(entry => entry!)];
}
