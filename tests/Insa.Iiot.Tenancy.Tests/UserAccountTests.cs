using Insa.Iiot.Tenancy.Access;

namespace Insa.Iiot.Tenancy.Tests;

public sealed class UserAccountTests : IAsyncLifetime
{
    private const string Wrong = "incorrect horse battery";
    private TenancyWorld _world = null!;

    private UserAccounts Users => _world.Users;

    public async ValueTask InitializeAsync() => _world = await TenancyWorld.MakeAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task An_account_is_found_by_its_address_whatever_the_case()
    {
        Assert.Equal(_world.Ann.Id, (await Users.FindByEmailAsync(" ANN@Example.com "))?.Id);
        Assert.Equal([TenancyWorld.Plant], (await Users.FindAsync(_world.Ann.Id))!.Tenants);
        Assert.Null(await Users.FindByEmailAsync("bob@example.com"));
        Assert.Null(await Users.FindByEmailAsync("no address"));
        await TenancyWorld.RefusedAsync(TenancyError.Exists, Users.CreateAsync("Ann@example.com", "Ann", TenancyWorld.Password));
    }

    [Fact]
    public async Task A_password_is_right_or_it_is_not()
    {
        Assert.Equal(_world.Ann.Id, (await Users.VerifyPasswordAsync("ann@example.com", TenancyWorld.Password))?.Id);
        Assert.Null(await Users.VerifyPasswordAsync("ann@example.com", Wrong));
        Assert.Null(await Users.VerifyPasswordAsync("nobody@example.com", TenancyWorld.Password));
        Assert.Null(await Users.VerifyPasswordAsync("", ""));
    }

    [Fact]
    public async Task Wrong_passwords_in_a_row_lock_the_account_for_a_while()
    {
        for (var i = 0; i < 4; i++)
            Assert.Null(await Users.VerifyPasswordAsync("ann@example.com", Wrong));
        Assert.NotNull(await Users.VerifyPasswordAsync("ann@example.com", TenancyWorld.Password)); // which begins the count again
        for (var i = 0; i < 5; i++)
            Assert.Null(await Users.VerifyPasswordAsync("ann@example.com", Wrong));
        Assert.Null(await Users.VerifyPasswordAsync("ann@example.com", TenancyWorld.Password));
        _world.Time.Advance(TimeSpan.FromMinutes(15));
        Assert.NotNull(await Users.VerifyPasswordAsync("ann@example.com", TenancyWorld.Password));
    }

    [Fact]
    public async Task Another_password_takes_the_place_of_the_first_and_ends_a_lock()
    {
        for (var i = 0; i < 5; i++)
            await Users.VerifyPasswordAsync("ann@example.com", Wrong);
        await Users.SetPasswordAsync(_world.Ann.Id, Wrong);
        Assert.NotNull(await Users.VerifyPasswordAsync("ann@example.com", Wrong));
        Assert.Null(await Users.VerifyPasswordAsync("ann@example.com", TenancyWorld.Password));
        Assert.Equal([TenancyWorld.Plant], (await Users.FindByEmailAsync("ann@example.com"))!.Tenants);
    }

    [Theory]
    [InlineData("ann", "Ann", "long enough to do")]
    [InlineData("a@b@c", "Ann", "long enough to do")]
    [InlineData("a b@c", "Ann", "long enough to do")]
    [InlineData("bob@example.com", " ", "long enough to do")]
    [InlineData("bob@example.com", "Bob", "too short")]
    public async Task What_is_not_valid_is_said_so(string email, string name, string password) =>
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await Users.CreateAsync(email, name, password));

    [Fact]
    public async Task Nothing_of_a_password_is_kept()
    {
        var record = (await _world.Store.FindAsync(ControlScope.Platform, "user", _world.Ann.Id))!;
        Assert.DoesNotContain(TenancyWorld.Password, System.Text.Encoding.UTF8.GetString(record.Body.Span), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Passwords_are_hashed_a_few_at_a_time()
    {
        using var work = new PasswordWork(1, TimeSpan.Zero);
        using (await work.TakeTurnAsync(CancellationToken.None))
            await TenancyWorld.RefusedAsync(
                TenancyError.Busy,
                work.MatchesAsync("x", new byte[16], new byte[32], 1, CancellationToken.None)
            );
        Assert.False(await work.MatchesAsync("x", new byte[16], new byte[32], 1, CancellationToken.None));
        Assert.Equal(32, (await work.MakeAsync("x", 1, CancellationToken.None)).Hash.Length);
    }
}
