using Insa.Iiot.Tenancy.Access;

namespace Insa.Iiot.Tenancy.Tests;

public sealed class ApiKeysTests : IAsyncLifetime
{
    private static readonly PermissionSet Reading = PermissionSet.Of(Permissions.DevicesRead, Permissions.TelemetryRead);

    private TenancyWorld _world = null!;

    private ApiKeys Keys => _world.ApiKeys;

    public async ValueTask InitializeAsync() => _world = await TenancyWorld.MakeAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task A_key_is_found_by_its_secret_alone()
    {
        var (key, text) = await Keys.CreateAsync(TenancyWorld.Plant, _world.AsAnn, "line 1", Reading, expiresAt: null);
        Assert.Equivalent(key, await VerifyAsync(text));
        Assert.Equivalent(new[] { key }, await Keys.ListAsync(TenancyWorld.Plant, null, 10));
        foreach (var wrong in Tampered(text))
            Assert.Null(await VerifyAsync(wrong));
    }

    [Fact]
    public async Task Of_the_secret_nothing_is_kept()
    {
        var (key, text) = await Keys.CreateAsync(TenancyWorld.Plant, _world.AsAnn, "line 1", Reading, expiresAt: null);
        var record = (await _world.Store.FindAsync(ControlScope.Of(TenancyWorld.Plant), "api-key", key.Id))!;
        Assert.DoesNotContain(text.Split('.')[3], System.Text.Encoding.UTF8.GetString(record.Body.Span), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_holds_until_it_expires_or_is_revoked()
    {
        var ends = _world.Time.GetUtcNow().UtcDateTime.AddHours(1);
        var (_, expiring) = await Keys.CreateAsync(TenancyWorld.Plant, _world.AsAnn, "an hour", Reading, ends);
        var (key, text) = await Keys.CreateAsync(TenancyWorld.Plant, _world.AsAnn, "for long", Reading, expiresAt: null);
        _world.Time.Advance(TimeSpan.FromHours(1));
        Assert.Null(await VerifyAsync(expiring));
        Assert.NotNull(await VerifyAsync(text));
        Assert.False(await Keys.RevokeAsync(TenancyWorld.Other, key.Id));
        Assert.True(await Keys.RevokeAsync(TenancyWorld.Plant, key.Id));
        Assert.Null(await VerifyAsync(text));
        Assert.False(await Keys.RevokeAsync(TenancyWorld.Plant, key.Id));
    }

    [Fact]
    public async Task Nobody_makes_a_key_that_may_do_more()
    {
        var engineer = await _world.ActAsAsync(await _world.AddAsync("eve", "viewer"));
        await TenancyWorld.RefusedAsync(
            TenancyError.Escalation,
            Keys.CreateAsync(TenancyWorld.Plant, engineer, "more", PermissionSet.Of(Permissions.DevicesWrite), expiresAt: null)
        );
    }

    [Fact]
    public async Task Keys_are_counted()
    {
        var seen = (await _world.Tenants.FindAsync(TenancyWorld.Plant))!;
        await _world.Tenants.UpdateAsync(
            TenancyWorld.Plant,
            seen.Version,
            new TenantSettings
            {
                DisplayName = "Plant 7",
                Limits = new Dictionary<string, long?> { [TenantCounters.ApiKeys] = 1 },
            }
        );
        var (key, _) = await Keys.CreateAsync(TenancyWorld.Plant, _world.AsAnn, "one", Reading, expiresAt: null);
        await TenancyWorld.RefusedAsync(
            TenancyError.QuotaExceeded,
            Keys.CreateAsync(TenancyWorld.Plant, _world.AsAnn, "two", Reading, expiresAt: null)
        );
        await Keys.RevokeAsync(TenancyWorld.Plant, key.Id);
        await Keys.CreateAsync(TenancyWorld.Plant, _world.AsAnn, "two", Reading, expiresAt: null);
    }

    private async Task<ApiKey?> VerifyAsync(string text) =>
        ApiKeyText.TryParse(text, out var key) ? await Keys.VerifyAsync(key, CancellationToken.None) : null;

    private static IEnumerable<string> Tampered(string text)
    {
        var parts = text.Split('.');
        yield return text.Replace(".plant.", ".other.", StringComparison.Ordinal);
        yield return text[..^1] + (text[^1] == 'A' ? 'E' : 'A');
        yield return text[..^1];
        yield return string.Join('.', parts[..3]);
        yield return $"iiot.plant.{Guid.NewGuid():N}.{parts[3]}";
        yield return $"IIOT.{parts[1]}.{parts[2]}.{parts[3]}";
        yield return text + ".x";
    }
}
