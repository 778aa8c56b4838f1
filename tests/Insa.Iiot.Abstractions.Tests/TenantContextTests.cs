using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.Tests;

public sealed class TenantContextTests
{
    private readonly ITenantContextAccessor _accessor = Make();

    [Fact]
    public void Work_without_a_tenant_throws() => Assert.Throws<InvalidOperationException>(() => _accessor.Current);

    [Fact]
    public async Task A_scope_holds_across_awaits_and_ends_with_its_disposal()
    {
        using (_accessor.Begin(TenantId.Parse("plant")))
        {
            await Task.Yield();
            Assert.Equal("plant", _accessor.Current.Tenant.Value);
        }

        Assert.Throws<InvalidOperationException>(() => _accessor.Current);
    }

    [Fact]
    public void A_scope_cannot_change_the_tenant_of_the_one_around_it()
    {
        using var outer = _accessor.Begin(TenantId.Parse("plant"));
        using (_accessor.Begin(TenantId.Parse("plant")))
            Assert.Equal("plant", _accessor.Current.Tenant.Value);
        Assert.Throws<InvalidOperationException>(() => _accessor.Begin(TenantId.Parse("other")));
    }

    [Fact]
    public void A_scope_needs_a_tenant() => Assert.Throws<InvalidOperationException>(() => _accessor.Begin(default));

    private static ITenantContextAccessor Make()
    {
        var services = new ServiceCollection();
        services.AddIiot();
        return services.BuildServiceProvider().GetRequiredService<ITenantContextAccessor>();
    }
}
