namespace Insa.Iiot.Tenancy.Tests;

public sealed class InvitationTests : IAsyncLifetime
{
    private TenancyWorld _world = null!;

    private TenantInvitations Invitations => _world.Invitations;

    public async ValueTask InitializeAsync() => _world = await TenancyWorld.MakeAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task Who_accepts_becomes_a_member_with_the_invited_roles()
    {
        var token = await InviteAsync("Bob@example.com", "operator");
        var member = await Invitations.AcceptAsNewAsync(token, "Bob", TenancyWorld.Password);
        Assert.Equal(["operator"], member.Roles);
        var bob = (await _world.Users.VerifyPasswordAsync("bob@example.com", TenancyWorld.Password))!;
        Assert.Equal((member.UserId, TenancyWorld.Plant), (bob.Id, Assert.Single(bob.Tenants)));
        Assert.Equal(InvitationState.Used, Assert.Single(await Invitations.ListAsync(TenancyWorld.Plant, null, 10)).State);
    }

    [Fact]
    public async Task Who_has_an_account_accepts_with_it()
    {
        var bob = await _world.Users.CreateAsync("bob@example.com", "Bob", TenancyWorld.Password);
        var token = await InviteAsync("bob@example.com", "viewer");
        Assert.Equal(bob.Id, (await Invitations.AcceptAsync(token, bob.Id)).UserId);
        await TenancyWorld.RefusedAsync(TenancyError.InvalidInvitation, Invitations.AcceptAsync(token, bob.Id));
    }

    [Fact]
    public async Task An_invitation_is_for_its_address_alone()
    {
        var eve = await _world.Users.CreateAsync("eve@example.com", "Eve", TenancyWorld.Password);
        var token = await InviteAsync("bob@example.com", "viewer");
        await TenancyWorld.RefusedAsync(TenancyError.InvalidInvitation, Invitations.AcceptAsync(token, eve.Id));
        Assert.Equal(InvitationState.Open, Assert.Single(await Invitations.ListAsync(TenancyWorld.Plant, null, 10)).State);
    }

    [Fact]
    public async Task An_invitation_ends_with_its_time_and_when_it_is_taken_back()
    {
        var bob = await _world.Users.CreateAsync("bob@example.com", "Bob", TenancyWorld.Password);
        var expired = await InviteAsync("bob@example.com", "viewer");
        _world.Time.Advance(TimeSpan.FromHours(72));
        await TenancyWorld.RefusedAsync(TenancyError.InvalidInvitation, Invitations.AcceptAsync(expired, bob.Id));

        var (invitation, revoked) = await Invitations.InviteAsync(TenancyWorld.Plant, _world.AsAnn, "bob@example.com", ["viewer"]);
        Assert.False(await Invitations.RevokeAsync(TenancyWorld.Other, invitation.Id));
        Assert.True(await Invitations.RevokeAsync(TenancyWorld.Plant, invitation.Id));
        Assert.False(await Invitations.RevokeAsync(TenancyWorld.Plant, invitation.Id));
        await TenancyWorld.RefusedAsync(TenancyError.InvalidInvitation, Invitations.AcceptAsync(revoked, bob.Id));
    }

    [Fact]
    public async Task Only_so_many_are_open_and_who_accepts_or_is_too_late_makes_room()
    {
        var tokens = new List<string>();
        for (var i = 0; i < 10; i++)
            tokens.Add(await InviteAsync($"bob{i}@example.com", "viewer"));
        await FullAsync();
        await Invitations.AcceptAsNewAsync(tokens[0], "Bob", TenancyWorld.Password);
        await InviteAsync("eve@example.com", "viewer");
        await FullAsync();
        var open = (await Invitations.ListAsync(TenancyWorld.Plant, null, 100)).First(one => one.State == InvitationState.Open);
        Assert.True(await Invitations.RevokeAsync(TenancyWorld.Plant, open.Id));
        await InviteAsync("eve@example.com", "viewer");
        await FullAsync();

        // Nobody can accept them any more, and they are not kept.
        _world.Time.Advance(TimeSpan.FromHours(72));
        for (var i = 0; i < 10; i++)
            await InviteAsync("eve@example.com", "viewer");
        Assert.Equal(10, (await Invitations.ListAsync(TenancyWorld.Plant, null, 100)).Count);
        await FullAsync();

        async Task FullAsync() =>
            await TenancyWorld.RefusedAsync(
                TenancyError.QuotaExceeded,
                Invitations.InviteAsync(TenancyWorld.Plant, _world.AsAnn, "late@example.com", ["viewer"])
            );
    }

    [Fact]
    public async Task One_that_is_older_than_its_count_can_be_used_and_taken_back()
    {
        var (token, other) = (await InviteAsync("bob@example.com", "viewer"), await InviteAsync("eve@example.com", "viewer"));
        Assert.True(await _world.Tenants.ReleaseAsync(TenancyWorld.Plant, TenantCounters.Invitations, 2));
        await Invitations.AcceptAsNewAsync(token, "Bob", TenancyWorld.Password);
        Assert.True(await Invitations.RevokeAsync(TenancyWorld.Plant, other.Split('.')[1]));
    }

    [Fact]
    public async Task Of_twenty_who_accept_at_once_one_wins()
    {
        var bob = await _world.Users.CreateAsync("bob@example.com", "Bob", TenancyWorld.Password);
        var token = await InviteAsync("bob@example.com", "viewer");
        var results = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(() => TryAcceptAsync(token, bob.Id))));
        Assert.Equal(1, results.Count(error => error is null));
        Assert.All(results.Where(error => error is not null), error => Assert.Equal(TenancyError.InvalidInvitation, error));
        Assert.Equal(2, (await _world.Members.ListAsync(TenancyWorld.Plant, null, 10)).Count);
    }

    [Fact]
    public async Task A_token_that_was_tampered_with_opens_nothing()
    {
        var bob = await _world.Users.CreateAsync("bob@example.com", "Bob", TenancyWorld.Password);
        await _world.Tenants.CreateAsync(TenancyWorld.Other, new TenantSettings { DisplayName = "Other" });
        var token = await InviteAsync("bob@example.com", "viewer");
        var parts = token.Split('.');
        var flipped = parts[2][0] == 'A' ? 'B' : 'A';
        foreach (
            var other in (string[])
                [
                    "",
                    "..",
                    "a.b",
                    token + ".x",
                    $"other.{parts[1]}.{parts[2]}",
                    $"{parts[0]}.{parts[1]}x.{parts[2]}",
                    $"{parts[0]}.{parts[1]}.{flipped}{parts[2][1..]}",
                    $"{parts[0]}.{parts[1]}.{parts[2]}AA",
                    $"{parts[0]}.{parts[1]}.!",
                    new string('a', 5000),
                ]
        )
            await TenancyWorld.RefusedAsync(TenancyError.InvalidInvitation, Invitations.AcceptAsync(other, bob.Id));
        Assert.Null(await TryAcceptAsync(token, bob.Id));
    }

    [Fact]
    public async Task Nothing_is_used_up_where_the_tenant_has_no_place_left()
    {
        foreach (var name in (string[])["a", "b", "c", "d"])
            await _world.AddAsync(name, "viewer");
        var token = await InviteAsync("bob@example.com", "viewer");
        await TenancyWorld.RefusedAsync(TenancyError.QuotaExceeded, Invitations.AcceptAsNewAsync(token, "Bob", TenancyWorld.Password));
        Assert.Null(await _world.Users.FindByEmailAsync("bob@example.com"));
        var plant = (await _world.Tenants.FindAsync(TenancyWorld.Plant))!;
        await _world.Tenants.UpdateAsync(
            TenancyWorld.Plant,
            plant.Version,
            new TenantSettings { DisplayName = "Plant", Plan = "enterprise" }
        );
        await Invitations.AcceptAsNewAsync(token, "Bob", TenancyWorld.Password);
    }

    [Fact]
    public async Task Nobody_invites_to_what_he_does_not_hold_or_into_a_tenant_that_is_not_active()
    {
        var bob = await _world.AddAsync("bob", "operator");
        var asBob = await _world.ActAsAsync(bob);
        await TenancyWorld.RefusedAsync(
            TenancyError.Escalation,
            Invitations.InviteAsync(TenancyWorld.Plant, asBob, "eve@example.com", ["engineer"])
        );
        var token = await InviteAsync("eve@example.com", "viewer");
        await _world.Tenants.SuspendAsync(TenancyWorld.Plant, 1);
        await TenancyWorld.RefusedAsync(TenancyError.TenantState, Invitations.AcceptAsNewAsync(token, "Eve", TenancyWorld.Password));
        await TenancyWorld.RefusedAsync(
            TenancyError.TenantState,
            Invitations.InviteAsync(TenancyWorld.Plant, _world.AsAnn, "eve@example.com", ["viewer"])
        );
    }

    [Fact]
    public async Task Only_a_hash_of_the_secret_is_kept()
    {
        var token = await InviteAsync("bob@example.com", "viewer");
        var record = Assert.Single(await _world.Store.ListAsync(ControlScope.Of(TenancyWorld.Plant), "invitation", null, 10));
        Assert.DoesNotContain(token.Split('.')[2], System.Text.Encoding.UTF8.GetString(record.Body.Span), StringComparison.Ordinal);
    }

    private async Task<string> InviteAsync(string email, params string[] roles) =>
        (await Invitations.InviteAsync(TenancyWorld.Plant, _world.AsAnn, email, roles)).Token;

    private async Task<TenancyError?> TryAcceptAsync(string token, string userId)
    {
        try
        {
            await Invitations.AcceptAsync(token, userId);
            return null;
        }
        catch (TenancyException e)
        {
            return e.Error;
        }
    }
}
