using Insa.Iiot.Tenancy.Access;

namespace Insa.Iiot.Tenancy.Tests;

public sealed class AccessDirectoryTests : IAsyncLifetime
{
    private TenancyWorld _world = null!;

    public async ValueTask InitializeAsync() => _world = await TenancyWorld.MakeAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task What_is_changed_by_way_of_the_host_counts_at_once()
    {
        var bob = await _world.AddAsync("bob", "viewer");
        var key = await SignInAsync(bob, TenancyWorld.Plant);
        Assert.False((await FindAsync(key))!.Permissions.Contains(Permissions.DevicesWrite));
        await _world.Members.SetRolesAsync(TenancyWorld.Plant, _world.AsAnn, bob.Id, ["engineer"]);
        Assert.True((await FindAsync(key))!.Permissions.Contains(Permissions.DevicesWrite));
        await _world.Members.RemoveAsync(TenancyWorld.Plant, _world.AsAnn, bob.Id);
        Assert.Equal(default, (await FindAsync(key))!.Permissions);
        await _world.Tenants.SuspendAsync(TenancyWorld.Plant, (await _world.Tenants.FindAsync(TenancyWorld.Plant))!.Version);
        Assert.Equal(TenantState.Suspended, (await FindAsync(key))!.Tenant!.State);
        await _world.Sessions.CloseAllAsync(bob.Id);
        Assert.Null(await FindAsync(key));
    }

    [Fact]
    public async Task A_changed_role_counts_at_once_for_all_who_hold_it()
    {
        var role = await _world.Roles.CreateAsync(TenancyWorld.Plant, _world.AsAnn, "Reader", PermissionSet.Of(Permissions.DevicesRead));
        var bob = await _world.AddAsync("bob", role.Id);
        var key = await SignInAsync(bob, TenancyWorld.Plant);
        Assert.True((await FindAsync(key))!.Permissions.Contains(Permissions.DevicesRead));
        await _world.Roles.DeleteAsync(TenancyWorld.Plant, _world.AsAnn, role);
        Assert.Equal(default, (await FindAsync(key))!.Permissions);
    }

    [Fact]
    public async Task What_others_change_counts_after_the_snapshots_lifetime()
    {
        var bob = await _world.AddAsync("bob", "viewer");
        var key = await SignInAsync(bob, TenancyWorld.Plant);
        Assert.NotNull(await FindAsync(key));

        // By another host: past this one's services.
        var member = (await _world.Store.FindAsync(ControlScope.Of(TenancyWorld.Plant), "member", bob.Id))!;
        await _world.Store.CommitAsync([ControlChange.Delete(member)]);
        Assert.NotEqual(default, (await FindAsync(key))!.Permissions);
        _world.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(default, (await FindAsync(key))!.Permissions);
    }

    [Fact]
    public async Task An_administrator_above_acts_below_and_not_the_other_way()
    {
        var line = TenantId.Parse("plant-line-1");
        var cell = TenantId.Parse("plant-line-1-cell");
        await _world.Tenants.CreateAsync(line, new TenantSettings { DisplayName = "Line 1" }, TenancyWorld.Plant);
        await _world.Tenants.CreateAsync(cell, new TenantSettings { DisplayName = "Cell" }, line);
        var bob = await _world.Users.CreateAsync("bob@example.com", "Bob", TenancyWorld.Password);
        await _world.Members.AddAsync(line, Actor.Platform, bob.Id, [Role.Admin]);
        var viewer = await _world.AddAsync("vic", "engineer");

        Assert.Equal((PermissionSet.All, TenancyWorld.Plant), await ActsAsync(_world.Ann, cell));
        Assert.Equal((PermissionSet.All, line), await ActsAsync(bob, cell));
        Assert.Equal((default, null), await ActsAsync(bob, TenancyWorld.Plant));
        Assert.Equal((default, null), await ActsAsync(viewer, line));

        // Rights from above end with those above, at once.
        var key = await SignInAsync(_world.Ann, cell);
        Assert.NotEqual(default, (await FindAsync(key))!.Permissions);
        await _world.Tenants.SuspendAsync(TenancyWorld.Plant, (await _world.Tenants.FindAsync(TenancyWorld.Plant))!.Version);
        Assert.Equal(default, (await FindAsync(key))!.Permissions);
    }

    [Fact]
    public async Task A_key_of_a_program_is_asked_for_again_when_it_is_revoked()
    {
        var (made, _) = await _world.ApiKeys.CreateAsync(
            TenancyWorld.Plant,
            _world.AsAnn,
            "k",
            PermissionSet.Of(Permissions.DevicesRead),
            expiresAt: null
        );
        var key = new AccessKey(made.Id, null, TenancyWorld.Plant, 0);
        Assert.NotNull(await FindAsync(key));
        Assert.Null(await FindAsync(key with { Tenant = TenancyWorld.Other }));
        await _world.ApiKeys.RevokeAsync(TenancyWorld.Plant, made.Id);
        Assert.Null(await FindAsync(key));
    }

    private async Task<(PermissionSet, TenantId?)> ActsAsync(UserAccount user, TenantId tenant)
    {
        var access = (await FindAsync(await SignInAsync(user, tenant)))!;
        return (access.Permissions, access.ActsFrom);
    }

    private async Task<AccessKey> SignInAsync(UserAccount user, TenantId tenant)
    {
        var (session, _) = await _world.Sessions.OpenAsync(user.Id, tenant);
        return new AccessKey(user.Id, session.Id, tenant, session.TokenVersion);
    }

    private async Task<AccessGrant?> FindAsync(AccessKey key) => await _world.Access.FindAsync(key, CancellationToken.None);
}
