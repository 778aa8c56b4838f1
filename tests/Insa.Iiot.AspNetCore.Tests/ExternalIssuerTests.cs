using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.Tokens;

namespace Insa.Iiot.AspNetCore.Tests;

/// <summary>Signing in with tokens of a real issuer.</summary>
[Trait("Category", "Peer")]
public sealed class ExternalIssuerTests : IAsyncLifetime
{
    private const string Audience = "https://iiot.example";
    private const string Ann = "verified:ann@example.com";

    private OidcIssuer _issuer = null!;
    private ApiWorld _world = null!;

    public async ValueTask InitializeAsync()
    {
        _issuer = await OidcIssuer.StartAsync();
        _world = await MakeWorldAsync(_issuer.Address);
    }

    public async ValueTask DisposeAsync()
    {
        if (_world is not null)
            await _world.DisposeAsync();
        if (_issuer is not null)
            await _issuer.DisposeAsync();
    }

    [Fact]
    public async Task A_token_with_a_verified_address_signs_its_account_in()
    {
        var answer = await ExchangeAsync(await _issuer.IssueAsync(Ann, Audience));
        Assert.Equal(200, answer.Status);
        Assert.Equal((_world.Ann.Id, "plant"), ((string)answer.Json["userId"]!, (string)answer.Json["tenantId"]!));
        var me = await _world.GetAsync("/api/v1/me", (string)answer.Json["accessToken"]!);
        Assert.Equal("ann@example.com", (string)me.Json["email"]!);
    }

    [Theory]
    [InlineData("unverified:ann@example.com", Audience)]
    [InlineData("verified:nobody@example.com", Audience)]
    [InlineData(Ann, "https://other.example")]
    public async Task A_token_that_is_not_for_an_account_here_is_refused(string user, string audience) =>
        await AssertRefusedAsync(await _issuer.IssueAsync(user, audience));

    [Fact]
    public async Task A_token_ends_with_its_time()
    {
        var token = await _issuer.IssueAsync(Ann, Audience);
        Assert.Equal(200, (await ExchangeAsync(token)).Status);
        _world.Time.Advance(TimeSpan.FromMinutes(11));
        await AssertRefusedAsync(token);
    }

    [Fact]
    public async Task A_token_altered_or_unsigned_is_refused()
    {
        var token = await _issuer.IssueAsync(Ann, Audience);
        var parts = token.Split('.');
        await AssertRefusedAsync($"{parts[0]}.{With(parts[1], "email", "bob@example.com")}.{parts[2]}");
        await AssertRefusedAsync($"{With(parts[0], "alg", "none")}.{parts[1]}.");
        await AssertRefusedAsync($"{With(parts[0], "alg", "none")}.{parts[1]}.{parts[2]}");
        await AssertRefusedAsync($"{parts[0]}.{parts[1]}.");
        await AssertRefusedAsync("no token");
        Assert.Equal(200, (await ExchangeAsync(token)).Status);
    }

    [Fact]
    public async Task A_token_of_an_issuer_who_is_not_ours_is_refused_whatever_it_calls_itself()
    {
        await using var stranger = await OidcIssuer.StartAsync();
        await using var impostor = await OidcIssuer.StartAsync(_issuer.Address);
        await AssertRefusedAsync(await stranger.IssueAsync(Ann, Audience));
        await AssertRefusedAsync(await impostor.IssueAsync(Ann, Audience));
    }

    [Fact]
    public async Task While_the_issuer_is_away_the_host_is_busy()
    {
        var token = await _issuer.IssueAsync(Ann, Audience);
        await _issuer.StopAsync();
        var answer = await ExchangeAsync(token);
        Assert.Equal((503, "busy"), (answer.Status, answer.Problem));
    }

    [Fact]
    public async Task Who_is_of_one_issuer_signs_in_while_another_is_away()
    {
        await using var away = await OidcIssuer.StartAsync();
        await away.StopAsync();
        await using var world = await MakeWorldAsync(away.Address, _issuer.Address);
        var token = await _issuer.IssueAsync(Ann, Audience);
        Assert.Equal(200, (await world.PostAsync("/api/v1/auth/exchange", null, Body(token))).Status);
    }

    // Its tokens are of now: so is the host's clock.
    private static Task<ApiWorld> MakeWorldAsync(params string[] issuers) =>
        ApiWorld.MakeAsync(
            configure: iiot =>
                iiot.AddRestApi(api =>
                {
                    foreach (var issuer in issuers)
                        api.ExternalIssuers.Add(
                            new ExternalIssuer
                            {
                                Authority = issuer,
                                Audience = Audience,
                                AllowHttp = true,
                            }
                        );
                }),
            start: TimeProvider.System.GetUtcNow()
        );

    private Task<ApiWorld.Answer> ExchangeAsync(string token) => _world.PostAsync("/api/v1/auth/exchange", null, Body(token));

    private static string Body(string token) => new JsonObject { ["token"] = token }.ToJsonString();

    private async Task AssertRefusedAsync(string token)
    {
        var expected = await _world.PostAsync("/api/v1/auth/login", null, """{"email":"x@example.com","password":"x"}""");
        var answer = await ExchangeAsync(token);
        Assert.Equal((401, "sign-in-failed"), (answer.Status, answer.Problem));
        Assert.Equal(expected.Body, answer.Body);
    }

    private static string With(string part, string name, string value)
    {
        var json = JsonNode.Parse(Base64UrlEncoder.Decode(part))!;
        json[name] = value;
        return Base64UrlEncoder.Encode(json.ToJsonString());
    }
}
