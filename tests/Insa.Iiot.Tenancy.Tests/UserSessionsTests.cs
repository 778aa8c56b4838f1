using Microsoft.Extensions.Options;

namespace Insa.Iiot.Tenancy.Tests;

public sealed class UserSessionsTests : IAsyncLifetime
{
    private TenancyWorld _world = null!;

    private UserSessions Sessions => _world.Sessions;

    public async ValueTask InitializeAsync() => _world = await TenancyWorld.MakeAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task A_refresh_token_is_good_for_one_use_and_gives_the_next()
    {
        var (session, first) = await Sessions.OpenAsync(_world.Ann.Id, TenancyWorld.Plant);
        var (renewed, second) = Assert.NotNull(await Sessions.RefreshAsync(first));
        Assert.Equal((session.Id, session.Tenant), (renewed.Id, renewed.Tenant));
        Assert.NotEqual(first, second);
        Assert.NotNull(await Sessions.RefreshAsync(second));
    }

    [Fact]
    public async Task Using_one_twice_ends_the_session_for_both()
    {
        var (session, stolen) = await Sessions.OpenAsync(_world.Ann.Id, tenant: null);
        var (_, mine) = Assert.NotNull(await Sessions.RefreshAsync(stolen));
        Assert.Null(await Sessions.RefreshAsync(stolen));
        Assert.Null(await Sessions.RefreshAsync(mine));
        Assert.Null(await Sessions.FindAsync(session.Id, CancellationToken.None));
    }

    [Fact]
    public async Task Of_many_uses_at_once_at_most_one_succeeds()
    {
        var (_, token) = await Sessions.OpenAsync(_world.Ann.Id, tenant: null);
        var results = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(async () => await Sessions.RefreshAsync(token))));
        Assert.InRange(results.Count(result => result is not null), 0, 1);
        Assert.Empty(await Sessions.ListAsync(_world.Ann.Id));
    }

    [Fact]
    public async Task Switching_tenants_during_a_refresh_does_not_end_the_session()
    {
        var (session, token) = await Sessions.OpenAsync(_world.Ann.Id, TenancyWorld.Plant);
        var store = new CountingStore(_world.Store)
        {
            BeforeCommit = async commit =>
            {
                if (commit == 1)
                    await Sessions.SwitchAsync(session.Id, TenancyWorld.Other);
            },
        };
        var other = new UserSessions(store, _world.Users, _world.Time, Options.Create(new TenancyOptions()));
        var (renewed, next) = Assert.NotNull(await other.RefreshAsync(token));
        Assert.Equal(TenancyWorld.Other, renewed.Tenant);
        Assert.NotNull(await Sessions.RefreshAsync(next));
    }

    [Fact]
    public async Task A_token_that_was_tampered_with_changes_nothing()
    {
        var (_, token) = await Sessions.OpenAsync(_world.Ann.Id, tenant: null);
        var family = token.ToCharArray();
        family[50] = family[50] == 'A' ? 'B' : 'A';
        foreach (var wrong in new[] { "", "x", token[..^4], new string(family), new string('A', token.Length) })
            Assert.Null(await Sessions.RefreshAsync(wrong));
        Assert.NotNull(await Sessions.RefreshAsync(token));
    }

    [Theory]
    [InlineData(8, 0)]
    [InlineData(6, 5)]
    public async Task A_session_ends_when_it_rests_or_is_too_old(int restDays, int uses)
    {
        var (_, token) = await Sessions.OpenAsync(_world.Ann.Id, tenant: null);
        for (var i = 0; i < uses - 1; i++)
        {
            _world.Time.Advance(TimeSpan.FromDays(restDays));
            (_, token) = Assert.NotNull(await Sessions.RefreshAsync(token));
        }

        _world.Time.Advance(TimeSpan.FromDays(restDays));
        Assert.Null(await Sessions.RefreshAsync(token));
    }

    [Fact]
    public async Task A_user_closes_own_sessions_only()
    {
        var bob = await _world.AddAsync("bob", "viewer");
        var (mine, token) = await Sessions.OpenAsync(_world.Ann.Id, tenant: null);
        var (other, _) = await Sessions.OpenAsync(bob.Id, tenant: null);
        Assert.False(await Sessions.CloseAsync(_world.Ann.Id, other.Id));
        Assert.True(await Sessions.CloseAsync(_world.Ann.Id, mine.Id));
        Assert.Null(await Sessions.RefreshAsync(token));
        Assert.Equal([other.Id], (await Sessions.ListAsync(bob.Id)).Select(session => session.Id));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_new_password_and_closing_all_end_every_session(bool byPassword)
    {
        var (_, one) = await Sessions.OpenAsync(_world.Ann.Id, tenant: null);
        var (_, two) = await Sessions.OpenAsync(_world.Ann.Id, TenancyWorld.Plant);
        await (byPassword ? _world.Users.SetPasswordAsync(_world.Ann.Id, "another long password") : Sessions.CloseAllAsync(_world.Ann.Id));
        Assert.Null(await Sessions.RefreshAsync(one));
        Assert.Null(await Sessions.RefreshAsync(two));
        var (_, fresh) = await Sessions.OpenAsync(_world.Ann.Id, tenant: null);
        Assert.NotNull(await Sessions.RefreshAsync(fresh));
    }

    [Fact]
    public async Task Sessions_of_a_user_are_bounded()
    {
        for (var i = 0; i < 60; i++)
        {
            _world.Time.Advance(TimeSpan.FromSeconds(1));
            await Sessions.OpenAsync(_world.Ann.Id, tenant: null);
        }

        Assert.Equal(50, (await Sessions.ListAsync(_world.Ann.Id)).Count);
    }
}
