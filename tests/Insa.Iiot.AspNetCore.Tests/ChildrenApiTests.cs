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
        var made = await MakeAsync("plant-line-1");
        Assert.Equal((201, "starter", 0L), (made.Status, (string)made.Json["plan"]!, (long)made.Json["limits"]!["children"]!));
        var refused = await MakeAsync("plant-line-2");
        Assert.Equal(403, refused.Status);
        Assert.EndsWith("limit-reached", (string)refused.Json["type"]!);

        var usage = (await _world.GetAsync("/api/v1/tenant/usage", _world.Ann.Token)).Json["limits"]!.AsArray();
        var children = usage.Single(limit => (string)limit!["name"]! == "children")!;
        Assert.Equal((1L, 1L, 0L), ((long)children["used"]!, (long)children["most"]!, (long)children["remaining"]!));
    }

    [Theory]
    [InlineData("other")]
    [InlineData("line")]
    [InlineData("plant")]
    [InlineData("plants")]
    public async Task Nobody_learns_by_making_one_which_tenants_there_are(string id)
    {
        var refused = await MakeAsync(id);
        Assert.Equal("invalid", refused.Problem);
        Assert.DoesNotContain("already", refused.Text, StringComparison.Ordinal);
    }

    private Task<ApiWorld.Answer> MakeAsync(string id) =>
        _world.PostAsync("/api/v1/tenant/children", _world.Ann.Token, $$"""{"id":"{{id}}","displayName":"Line"}""");
}
