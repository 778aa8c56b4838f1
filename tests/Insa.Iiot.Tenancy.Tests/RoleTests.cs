namespace Insa.Iiot.Tenancy.Tests;

public sealed class RoleTests : IAsyncLifetime
{
    private TenancyWorld _world = null!;

    public async ValueTask InitializeAsync() => _world = await TenancyWorld.MakeAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task A_tenant_has_as_many_roles_as_its_plan_allows()
    {
        var roles = new List<Role>();
        for (var i = 0; i < 10; i++)
            roles.Add(await MakeAsync());
        await TenancyWorld.RefusedAsync(TenancyError.QuotaExceeded, MakeAsync());
        await _world.Roles.DeleteAsync(TenancyWorld.Plant, _world.AsAnn, roles[0]);
        await MakeAsync();
        await TenancyWorld.RefusedAsync(TenancyError.QuotaExceeded, MakeAsync());

        // One that is older than the count was never counted.
        Assert.True(await _world.Tenants.ReleaseAsync(TenancyWorld.Plant, TenantCounters.Roles, 10));
        await _world.Roles.DeleteAsync(TenancyWorld.Plant, _world.AsAnn, roles[1]);
    }

    private ValueTask<Role> MakeAsync() => _world.Roles.CreateAsync(TenancyWorld.Plant, _world.AsAnn, "Fitter", PermissionSet.All);
}
