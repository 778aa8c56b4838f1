using Insa.Iiot.Tenancy;

namespace Insa.Iiot.AspNetCore.Tests;

public sealed class ChildrenApiTests : IAsyncLifetime
{
    private ApiWorld _world = null!;

    public async ValueTask InitializeAsync() => _world = await ApiWorld.MakeAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task A_sub_tenant_above_the_limit_is_refused_as_a_limit()
    {
        var tenants = _world.Get<TenantDirectory>();
        var plant = (await tenants.FindAsync(ApiWorld.Plant))!;
        await tenants.UpdateAsync(
            plant.Id,
            plant.Version,
            new TenantSettings
            {
                DisplayName = "Plant",
                Plan = "starter",
                Limits = new Dictionary<string, long?> { [TenantCounters.Children] = 1 },
            }
        );
        var made = await MakeAsync("line-1");
        Assert.Equal((201, "starter", 0L), (made.Status, (string)made.Json["plan"]!, (long)made.Json["limits"]!["children"]!));
        var refused = await MakeAsync("line-2");
        Assert.Equal(403, refused.Status);
        Assert.EndsWith("limit-reached", (string)refused.Json["type"]!);

        var usage = (await _world.GetAsync("/api/v1/tenant/usage", _world.Ann.Token)).Json["limits"]!.AsArray();
        var children = usage.Single(limit => (string)limit!["name"]! == "children")!;
        Assert.Equal((1L, 1L, 0L), ((long)children["used"]!, (long)children["most"]!, (long)children["remaining"]!));
    }

    private Task<ApiWorld.Answer> MakeAsync(string id) =>
        _world.PostAsync("/api/v1/tenant/children", _world.Ann.Token, $$"""{"id":"{{id}}","displayName":"Line"}""");
}
