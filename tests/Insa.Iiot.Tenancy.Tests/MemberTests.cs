namespace Insa.Iiot.Tenancy.Tests;

public sealed class MemberTests : IAsyncLifetime
{
    private TenancyWorld _world = null!;

    private TenantMembers Members => _world.Members;

    public async ValueTask InitializeAsync() => _world = await TenancyWorld.MakeAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task A_members_permissions_are_those_of_all_roles()
    {
        var bob = await _world.AddAsync("bob", "operator", "engineer");
        var permissions = await Members.GetPermissionsAsync(TenancyWorld.Plant, bob.Id);
        Assert.True(permissions.Contains(Permissions.AlarmsAct));
        Assert.True(permissions.Contains(Permissions.RulesWrite));
        Assert.False(permissions.Contains(Permissions.UsersAdmin));
        Assert.False(permissions.Contains("no:such"));
        Assert.Equal(default, await Members.GetPermissionsAsync(TenancyWorld.Plant, "nobody"));
        Assert.Equal(default, await Members.GetPermissionsAsync(TenancyWorld.Other, bob.Id));
    }

    [Fact]
    public async Task The_last_administrator_stays_one()
    {
        await TenancyWorld.RefusedAsync(TenancyError.LastAdmin, Members.RemoveAsync(TenancyWorld.Plant, _world.AsAnn, _world.Ann.Id));
        await TenancyWorld.RefusedAsync(
            TenancyError.LastAdmin,
            Members.SetRolesAsync(TenancyWorld.Plant, _world.AsAnn, _world.Ann.Id, ["viewer"])
        );
        var bob = await _world.AddAsync("bob", Role.Admin);
        await Members.SetRolesAsync(TenancyWorld.Plant, _world.AsAnn, _world.Ann.Id, ["viewer"]);
        Assert.False((await Members.GetPermissionsAsync(TenancyWorld.Plant, _world.Ann.Id)).Contains(Permissions.UsersAdmin));
        await TenancyWorld.RefusedAsync(TenancyError.LastAdmin, Members.RemoveAsync(TenancyWorld.Plant, Actor.Platform, bob.Id));
    }

    [Fact]
    public async Task Of_two_administrators_who_take_each_other_out_one_stays()
    {
        for (var round = 0; round < 5; round++)
        {
            var bob = await _world.AddAsync($"bob-{round}", Role.Admin);
            var results = await Task.WhenAll(TryRemoveAsync(_world.Ann.Id), TryRemoveAsync(bob.Id));
            Assert.Equal(1, results.Count(removed => removed));
            var left = Assert.Single(await Members.ListAsync(TenancyWorld.Plant, null, 10));
            if (left.UserId == bob.Id)
            {
                await Members.AddAsync(TenancyWorld.Plant, Actor.Platform, _world.Ann.Id, [Role.Admin]);
                await Members.RemoveAsync(TenancyWorld.Plant, Actor.Platform, bob.Id);
            }
        }
    }

    [Fact]
    public async Task Nobody_grants_changes_or_takes_what_he_does_not_hold()
    {
        var bob = await _world.AddAsync("bob", "engineer");
        var eve = await _world.Users.CreateAsync("eve@example.com", "Eve", TenancyWorld.Password);
        var asBob = await _world.ActAsAsync(bob);
        await TenancyWorld.RefusedAsync(TenancyError.Escalation, Members.AddAsync(TenancyWorld.Plant, asBob, eve.Id, [Role.Admin]));
        await TenancyWorld.RefusedAsync(TenancyError.Escalation, Members.SetRolesAsync(TenancyWorld.Plant, asBob, bob.Id, [Role.Admin]));
        await TenancyWorld.RefusedAsync(
            TenancyError.Escalation,
            Members.SetRolesAsync(TenancyWorld.Plant, asBob, _world.Ann.Id, ["viewer"])
        );
        await TenancyWorld.RefusedAsync(TenancyError.Escalation, Members.RemoveAsync(TenancyWorld.Plant, asBob, _world.Ann.Id));
        await TenancyWorld.RefusedAsync(
            TenancyError.Escalation,
            _world.Roles.CreateAsync(TenancyWorld.Plant, asBob, "Boss", PermissionSet.Of(Permissions.UsersAdmin))
        );
        Assert.Equal(["viewer"], (await Members.AddAsync(TenancyWorld.Plant, asBob, eve.Id, ["viewer"])).Roles);
        await Members.RemoveAsync(TenancyWorld.Plant, asBob, bob.Id); // everybody may leave
    }

    [Fact]
    public async Task A_tenant_has_no_more_members_than_its_limit()
    {
        var users = new List<UserAccount>();
        for (var i = 0; i < 8; i++)
            users.Add(await _world.Users.CreateAsync($"u{i}@example.com", $"U{i}", TenancyWorld.Password));
        var results = await Task.WhenAll(users.Select(user => Task.Run(() => TryAddAsync(user.Id))));
        Assert.Equal(4, results.Count(error => error is null)); // and Ann
        Assert.All(results.Where(error => error is not null), error => Assert.Equal(TenancyError.QuotaExceeded, error));
        Assert.Equal(5, (await Members.ListAsync(TenancyWorld.Plant, null, 100)).Count);

        await Members.RemoveAsync(TenancyWorld.Plant, _world.AsAnn, users[Array.FindIndex(results, error => error is null)].Id);
        Assert.Null(await TryAddAsync(users[Array.FindIndex(results, error => error is not null)].Id));
    }

    [Fact]
    public async Task Members_of_a_tenant_that_is_not_active_stay_as_they_are()
    {
        var bob = await _world.Users.CreateAsync("bob@example.com", "Bob", TenancyWorld.Password);
        await _world.Tenants.SuspendAsync(TenancyWorld.Plant, 1);
        await TenancyWorld.RefusedAsync(TenancyError.TenantState, Members.AddAsync(TenancyWorld.Plant, _world.AsAnn, bob.Id, ["viewer"]));
        await TenancyWorld.RefusedAsync(
            TenancyError.NotFound,
            Members.AddAsync(TenantId.Parse("nobody"), Actor.Platform, bob.Id, ["viewer"])
        );
        Assert.Empty((await _world.Users.FindAsync(bob.Id))!.Tenants);
    }

    [Fact]
    public async Task A_user_is_a_member_once_and_of_several_tenants()
    {
        await TenancyWorld.RefusedAsync(TenancyError.Exists, Members.AddAsync(TenancyWorld.Plant, _world.AsAnn, _world.Ann.Id, ["viewer"]));
        await _world.Tenants.CreateAsync(TenancyWorld.Other, new TenantSettings { DisplayName = "Other" });
        await Members.AddAsync(TenancyWorld.Other, Actor.Platform, _world.Ann.Id, ["viewer"]);
        Assert.Equal([TenancyWorld.Plant, TenancyWorld.Other], (await _world.Users.FindAsync(_world.Ann.Id))!.Tenants);
        Assert.Equal(["viewer"], (await Members.FindAsync(TenancyWorld.Other, _world.Ann.Id))!.Roles);
        Assert.Equal([Role.Admin], (await Members.FindAsync(TenancyWorld.Plant, _world.Ann.Id))!.Roles);
        await Members.RemoveAsync(TenancyWorld.Other, Actor.Platform, _world.Ann.Id);
        Assert.Equal([TenancyWorld.Plant], (await _world.Users.FindAsync(_world.Ann.Id))!.Tenants);
    }

    [Fact]
    public async Task A_role_of_the_tenants_own_takes_effect_at_once()
    {
        var role = await _world.Roles.CreateAsync(TenancyWorld.Plant, _world.AsAnn, "Analyst", PermissionSet.Of(Permissions.AnalyticsRead));
        var bob = await _world.AddAsync("bob", role.Id);
        Assert.Equal([Permissions.AnalyticsRead], (await Members.GetPermissionsAsync(TenancyWorld.Plant, bob.Id)).Names);
        var wider = PermissionSet.Of(Permissions.AnalyticsRead, Permissions.AnalyticsWrite);
        role = await _world.Roles.UpdateAsync(TenancyWorld.Plant, _world.AsAnn, role, "Analyst", wider);
        Assert.Equal(wider, await Members.GetPermissionsAsync(TenancyWorld.Plant, bob.Id));
        await TenancyWorld.RefusedAsync(
            TenancyError.Changed,
            _world.Roles.UpdateAsync(TenancyWorld.Plant, _world.AsAnn, role with { Version = 1 }, "Analyst", wider)
        );
        await TenancyWorld.RefusedAsync(TenancyError.NotFound, Members.SetRolesAsync(TenancyWorld.Other, _world.AsAnn, bob.Id, [role.Id]));
        await _world.Roles.DeleteAsync(TenancyWorld.Plant, _world.AsAnn, role);
        Assert.Equal(default, await Members.GetPermissionsAsync(TenancyWorld.Plant, bob.Id));
        Assert.Equal(["admin", "engineer", "operator", "viewer"], (await _world.Roles.ListAsync(TenancyWorld.Plant)).Select(r => r.Id));
    }

    [Fact]
    public async Task A_built_in_role_is_nobodys_to_change()
    {
        var viewer = (await _world.Roles.FindAsync(TenancyWorld.Plant, "viewer"))!;
        Assert.True(viewer.IsBuiltIn);
        await TenancyWorld.RefusedAsync(TenancyError.NotFound, _world.Roles.DeleteAsync(TenancyWorld.Plant, _world.AsAnn, viewer));
        await TenancyWorld.RefusedAsync(
            TenancyError.NotFound,
            _world.Roles.UpdateAsync(TenancyWorld.Plant, _world.AsAnn, viewer, "Viewer", PermissionSet.All)
        );
    }

    [Fact]
    public void Each_built_in_role_permits_what_the_matrix_says()
    {
        string[] Of(string role) => [.. Access.BuiltInRoles.Find(role)!.Permissions.Names];
        Assert.Equal(Permissions.All, Of(Role.Admin));
        Assert.All(Of("viewer"), name => Assert.EndsWith(":read", name, StringComparison.Ordinal));
        Assert.Equal(
            [Permissions.CommandsExecute, Permissions.AlarmsAct, Permissions.OnCallSwap, Permissions.DashboardsOwn],
            Of("operator").Except(Of("viewer"))
        );
        Assert.Empty(Of("operator").Except(Of("engineer")));
        Assert.DoesNotContain(Of("engineer"), name => name.EndsWith(":admin", StringComparison.Ordinal));
        Assert.DoesNotContain(Permissions.AuditRead, Of("engineer"));
    }

    private async Task<bool> TryRemoveAsync(string userId)
    {
        try
        {
            await Task.Run(async () => await Members.RemoveAsync(TenancyWorld.Plant, Actor.Platform, userId));
            return true;
        }
        catch (TenancyException e) when (e.Error == TenancyError.LastAdmin)
        {
            return false;
        }
    }

    private async Task<TenancyError?> TryAddAsync(string userId)
    {
        try
        {
            await Members.AddAsync(TenancyWorld.Plant, _world.AsAnn, userId, ["viewer"]);
            return null;
        }
        catch (TenancyException e)
        {
            return e.Error;
        }
    }
}
