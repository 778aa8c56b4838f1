using System.Text;
using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.Tenancy.Tests;

public sealed class UserAuthenticatorTests : IAsyncLifetime
{
    private TenancyWorld _world = null!;

    private IUserAuthenticator Users => _world.Services.GetRequiredService<IUserAuthenticator>();

    public async ValueTask InitializeAsync() => _world = await TenancyWorld.MakeAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Theory]
    [InlineData("ann@example.com")]
    [InlineData("ann@example.com@plant")]
    [InlineData("Ann@Example.com@plant")]
    public async Task A_member_signs_in_for_their_tenant(string name)
    {
        var grant = await Users.AuthenticateAsync(name, Encoding.UTF8.GetBytes(TenancyWorld.Password));
        Assert.Equal(TenancyWorld.Plant, grant!.Tenant);
        Assert.Equal(_world.Ann.Id, grant.UserId);
        Assert.Equal("ann@example.com@plant", grant.UserName);
        Assert.Contains(Permissions.TelemetryRead, grant.Permissions);
        Assert.Equal(grant.Permissions, (await Users.FindAsync(grant.UserName))!.Permissions);
    }

    [Theory]
    [InlineData("ann@example.com@other")]
    [InlineData("ann@example.com@nowhere")]
    [InlineData("bob@example.com@plant")]
    [InlineData("ann")]
    [InlineData("@")]
    [InlineData("")]
    public async Task Nobody_signs_in_for_a_tenant_that_is_not_theirs(string name)
    {
        Assert.Null(await Users.AuthenticateAsync(name, Encoding.UTF8.GetBytes(TenancyWorld.Password)));
        Assert.Null(await Users.FindAsync(name));
    }

    [Fact]
    public async Task A_wrong_password_is_none()
    {
        Assert.Null(await Users.AuthenticateAsync("ann@example.com", "incorrect horse battery"u8.ToArray()));
        Assert.Null(await Users.AuthenticateAsync("ann@example.com", new byte[] { 0xff, 0xfe }));
        Assert.Null(await Users.AuthenticateAsync("ann@example.com", new byte[2000]));
    }

    [Fact]
    public async Task Another_password_makes_another_version()
    {
        var before = await Users.FindAsync("ann@example.com");
        await _world.Users.SetPasswordAsync(_world.Ann.Id, "another horse battery");
        var after = await Users.FindAsync("ann@example.com");
        Assert.NotEqual(before!.Version, after!.Version);
    }
}
