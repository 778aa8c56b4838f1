using Insa.Iiot.Tenancy;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Insa.Iiot.AspNetCore.Tests;

/// <summary>Guards over a host's own endpoints.</summary>
public sealed class GuardTests : IAsyncLifetime
{
    private ApiWorld _world = null!;

    public async ValueTask InitializeAsync() =>
        _world = await ApiWorld.MakeAsync(app =>
        {
            app.MapGet("/own/tenant", (Caller caller, ITenantContextAccessor context) => $"{caller.Tenant} {context.Current.Tenant}")
                .RequireTenant();
            app.MapGet("/own/admin", () => "in").RequireTenantAdmin();
            app.MapGet("/own/ml", () => "in").RequireTenantFeature("ml");
            app.MapGet("/own/user", (Caller caller) => caller.Id).RequireUser();
            app.MapGet("/own/operator", () => "in").RequireOperator();
            app.MapPost("/own/rules", (bool fail) => fail ? Results.BadRequest() : Results.Ok()).RequireTenantQuota("rules", 2);
            app.MapGet("/own/open", () => "in").AllowAnonymous();
        });

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task The_tenant_is_the_credentials()
    {
        Assert.Equal("plant plant", (await _world.GetAsync("/own/tenant", _world.Ann.Token)).Text);
        Assert.Equal("other other", (await _world.GetAsync("/own/tenant", _world.Bob.Token)).Text);
        Assert.Equal("plant plant", (await _world.GetAsync("/own/tenant", _world.Ann.Token, ("X-Tenant-Id", "plant"))).Text);
        await RefusedAsync(403, "tenant-mismatch", "/own/tenant", _world.Ann.Token, ("X-Tenant-Id", "other"));
        await RefusedAsync(403, "no-tenant", "/own/tenant", _world.Olga.Token);
        await RefusedAsync(403, "tenant-mismatch", "/own/user", _world.Olga.Token, ("X-Tenant-Id", "other"));
    }

    [Fact]
    public async Task Without_a_credential_nobody_comes_in_but_where_all_may()
    {
        await RefusedAsync(401, "unauthenticated", "/own/tenant", null);
        await RefusedAsync(401, "unauthenticated", "/own/tenant", "x");
        await RefusedAsync(401, "unauthenticated", "/own/tenant", $"iiot.plant.{Guid.NewGuid():N}.{new string('A', 43)}");
        Assert.Equal("in", (await _world.GetAsync("/own/open", null)).Text);
    }

    [Fact]
    public async Task Permissions_features_and_kinds_of_callers_are_asked_for()
    {
        var viewer = await _world.AddAsync("vic", ApiWorld.Plant, "viewer");
        Assert.Equal("in", (await _world.GetAsync("/own/admin", _world.Ann.Token)).Text);
        await RefusedAsync(403, "permission-denied", "/own/admin", viewer.Token);
        Assert.Equal("in", (await _world.GetAsync("/own/ml", viewer.Token)).Text);
        var tenants = _world.Get<TenantDirectory>();
        await tenants.UpdateAsync(ApiWorld.Plant, 1, new TenantSettings { DisplayName = "Plant", Plan = "starter" });
        await RefusedAsync(403, "feature-off", "/own/ml", viewer.Token);
        await RefusedAsync(403, "permission-denied", "/own/operator", _world.Ann.Token);
        Assert.Equal("in", (await _world.GetAsync("/own/operator", _world.Olga.Token)).Text);

        var (_, key) = await _world
            .Get<ApiKeys>()
            .CreateAsync(ApiWorld.Plant, Actor.Platform, "k", PermissionSet.Of(Permissions.DevicesRead), expiresAt: null);
        Assert.Equal("plant plant", (await _world.GetAsync("/own/tenant", key)).Text);
        await RefusedAsync(403, "permission-denied", "/own/user", key);
        await RefusedAsync(403, "permission-denied", "/own/admin", key);
    }

    [Fact]
    public async Task What_is_revoked_is_refused_with_the_next_request()
    {
        var viewer = await _world.AddAsync("vic", ApiWorld.Plant, Role.Admin);
        Assert.Equal(200, (await _world.GetAsync("/own/admin", viewer.Token)).Status);
        await _world.Get<TenantMembers>().SetRolesAsync(ApiWorld.Plant, Actor.Platform, viewer.Id, ["viewer"]);
        await RefusedAsync(403, "permission-denied", "/own/admin", viewer.Token);
        await _world.Get<TenantMembers>().RemoveAsync(ApiWorld.Plant, Actor.Platform, viewer.Id);
        await RefusedAsync(403, "no-tenant", "/own/tenant", viewer.Token);
        await _world.Get<TenantMembers>().AddAsync(ApiWorld.Plant, Actor.Platform, viewer.Id, ["viewer"]);
        await _world.Get<TenantDirectory>().SuspendAsync(ApiWorld.Plant, 1);
        await RefusedAsync(403, "tenant-inactive", "/own/tenant", viewer.Token);
        await _world.Get<TenantDirectory>().ResumeAsync(ApiWorld.Plant, 2);
        Assert.Equal(200, (await _world.GetAsync("/own/tenant", viewer.Token)).Status);
        await _world.Get<UserSessions>().CloseAllAsync(viewer.Id);
        await RefusedAsync(401, "unauthenticated", "/own/tenant", viewer.Token);
    }

    [Fact]
    public async Task A_quota_is_taken_and_given_back_when_the_endpoint_fails()
    {
        var tenants = _world.Get<TenantDirectory>();
        await tenants.UpdateAsync(
            ApiWorld.Plant,
            1,
            new TenantSettings
            {
                DisplayName = "Plant",
                Limits = new Dictionary<string, long?> { ["rules"] = 4 },
            }
        );
        Assert.Equal(400, (await _world.PostAsync("/own/rules?fail=true", _world.Ann.Token, "{}")).Status);
        for (var i = 0; i < 2; i++)
            Assert.Equal(200, (await _world.PostAsync("/own/rules?fail=false", _world.Ann.Token, "{}")).Status);
        var refused = await _world.PostAsync("/own/rules?fail=false", _world.Ann.Token, "{}");
        Assert.Equal((403, "limit-reached", "rules"), (refused.Status, refused.Problem, (string?)refused.Json["subject"]));
        Assert.True(await tenants.ReleaseAsync(ApiWorld.Plant, "rules", 2));
        Assert.Equal(200, (await _world.PostAsync("/own/rules?fail=false", _world.Ann.Token, "{}")).Status);
    }

    [Fact]
    public async Task A_store_that_fails_beneath_a_guard_is_told_as_busy()
    {
        var store = new FailingControlStore();
        await using var world = await ApiWorld.MakeAsync(
            app =>
            {
                app.MapGet("/own/admin", () => "in").RequireTenantAdmin();
                app.MapPost("/own/rules", () => "made").RequireTenantQuota("rules");
            },
            iiot => store.Wrap(iiot.Services)
        );
        var viewer = await world.AddAsync("vic", ApiWorld.Plant, "viewer");
        Assert.Equal("permission-denied", (await world.GetAsync("/own/admin", viewer.Token)).Problem);
        Assert.Equal(200, (await world.PostAsync("/own/rules", world.Ann.Token, "")).Status);
        store.Fails = true;
        Assert.Equal(
            (503, "busy"),
            (await world.GetAsync("/own/admin", viewer.Token)) is var denied ? (denied.Status, denied.Problem) : default
        );
        Assert.Equal(
            (503, "busy"),
            (await world.PostAsync("/own/rules", world.Ann.Token, "")) is var taken ? (taken.Status, taken.Problem) : default
        );
    }

    [Fact]
    public async Task An_address_outside_the_tenants_networks_is_refused()
    {
        await _world.Get<TenantDirectory>().SetAllowedNetworksAsync(ApiWorld.Plant, 1, [System.Net.IPNetwork.Parse("192.0.2.0/24")]);
        await RefusedAsync(403, "address-not-allowed", "/own/tenant", _world.Ann.Token);
        Assert.Equal(200, (await _world.GetAsync("/own/tenant", _world.Bob.Token)).Status);
    }

    [Fact]
    public async Task A_host_with_an_endpoint_that_nobody_decided_about_does_not_start()
    {
        var e = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            ApiWorld.MakeAsync(app => app.MapGet("/own/forgotten", () => "in"))
        );
        Assert.Contains("/own/forgotten", e.Message, StringComparison.Ordinal);
    }

    private async Task RefusedAsync(int status, string problem, string path, string? bearer, params (string, string)[] headers)
    {
        var answer = await _world.GetAsync(path, bearer, headers);
        Assert.Equal((status, problem), (answer.Status, answer.Problem));
    }
}
