using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Insa.Iiot.AspNetCore.Authentication;
using Insa.Iiot.Tenancy;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.Tokens;

namespace Insa.Iiot.AspNetCore.Tests;

public sealed class SignInTests : IAsyncLifetime
{
    private ApiWorld _world = null!;

    public async ValueTask InitializeAsync() => _world = await ApiWorld.MakeAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task A_password_gives_tokens_that_work_for_the_only_tenant()
    {
        var tokens = await LoginAsync("ann@example.com");
        Assert.Equal(("Bearer", 900, "plant"), ((string)tokens["tokenType"]!, (int)tokens["expiresIn"]!, (string)tokens["tenantId"]!));
        var me = (await _world.GetAsync("/api/v1/me", (string)tokens["accessToken"]!)).Json;
        Assert.Equal(("ann@example.com", "plant", "admin"), ((string)me["email"]!, (string)me["tenantId"]!, (string)me["roleIds"]![0]!));
        Assert.Equal(
            Permissions.All.Count,
            (await _world.GetAsync("/api/v1/me/permissions", (string)tokens["accessToken"]!)).Json["permissions"]!.AsArray().Count
        );
    }

    [Theory]
    [InlineData("""{"email":"ann@example.com","password":"not the password"}""")]
    [InlineData("""{"email":"nobody@example.com","password":"correct horse battery"}""")]
    [InlineData("""{"email":"no address","password":"correct horse battery"}""")]
    [InlineData("""{"email":"ann@example.com","password":"correct horse battery","tenantId":"other"}""")]
    [InlineData("""{"email":"ann@example.com","password":"correct horse battery","tenantId":"nowhere"}""")]
    [InlineData("""{"email":"ann@example.com","password":"correct horse battery","tenantId":"NO TENANT"}""")]
    public async Task Whatever_is_wrong_the_answer_is_the_same(string body)
    {
        var expected = await _world.PostAsync("/api/v1/auth/login", null, """{"email":"x@example.com","password":"x"}""");
        var answer = await _world.PostAsync("/api/v1/auth/login", null, body);
        Assert.Equal((401, "sign-in-failed"), (answer.Status, answer.Problem));
        Assert.Equal(expected.Body, answer.Body);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("""{"email":"ann@example.com"}""")]
    [InlineData("""{"email":null,"password":"x"}""")]
    [InlineData("""{"email":"a","password":"x","admin":true}""")]
    [InlineData("""{"email":"a","email":"b","password":"x"}""")]
    public async Task A_body_that_cannot_be_read_is_invalid(string body) =>
        Assert.Equal("invalid", (await _world.PostAsync("/api/v1/auth/login", null, body)).Problem);

    [Fact]
    public async Task Who_tries_too_often_waits()
    {
        await using var world = await ApiWorld.MakeAsync(configure: iiot => iiot.AddRestApi(api => api.SignInRate = "3:60"));
        for (var i = 0; i < 3; i++)
            Assert.Equal(401, (await world.PostAsync("/api/v1/auth/login", null, """{"email":"x@example.com","password":"x"}""")).Status);
        var answer = await world.PostAsync("/api/v1/auth/login", null, """{"email":"x@example.com","password":"x"}""");
        Assert.Equal((429, "quota-exceeded", "20"), (answer.Status, answer.Problem, answer.Headers["Retry-After"]));
    }

    [Fact]
    public async Task A_refresh_token_shown_twice_ends_the_session_and_its_access_tokens()
    {
        var tokens = await LoginAsync("ann@example.com");
        var first = (string)tokens["refreshToken"]!;
        var renewed = await RefreshAsync(first);
        Assert.Equal(200, renewed.Status);
        var access = (string)renewed.Json["accessToken"]!;
        Assert.Equal(200, (await _world.GetAsync("/api/v1/me", access)).Status);
        Assert.Equal((401, "sign-in-failed"), ((await RefreshAsync(first)) is var again ? (again.Status, again.Problem) : default));
        Assert.Equal(401, (await _world.GetAsync("/api/v1/me", access)).Status);
        Assert.Equal(401, (await RefreshAsync((string)renewed.Json["refreshToken"]!)).Status);
    }

    [Fact]
    public async Task Switching_gives_a_token_for_the_other_tenant_to_members_only()
    {
        await _world.Get<TenantMembers>().AddAsync(ApiWorld.Other, Actor.Platform, _world.Ann.Id, ["viewer"]);
        var tokens = await LoginAsync("ann@example.com");
        Assert.Null(tokens["tenantId"]);
        Assert.Equal(["plant", "other"], tokens["tenants"]!.AsArray().Select(tenant => (string)tenant!));
        var token = (string)tokens["accessToken"]!;
        Assert.Equal("no-tenant", (await _world.GetAsync("/api/v1/tenant", token)).Problem);
        var switched = await _world.PostAsync("/api/v1/auth/switch", token, """{"tenantId":"other"}""");
        Assert.Equal("other", (string)(await _world.GetAsync("/api/v1/tenant", (string)switched.Json["accessToken"]!)).Json["id"]!);
        Assert.Equal("other", (string)(await RefreshAsync((string)tokens["refreshToken"]!)).Json["tenantId"]!);

        var strange = await _world.PostAsync("/api/v1/auth/switch", _world.Bob.Token, """{"tenantId":"plant"}""");
        var missing = await _world.PostAsync("/api/v1/auth/switch", _world.Bob.Token, """{"tenantId":"nowhere"}""");
        Assert.Equal(404, strange.Status);
        Assert.Equal(missing.Body, strange.Body);
    }

    [Fact]
    public async Task Logging_out_ends_the_session_at_once()
    {
        var tokens = await LoginAsync("ann@example.com");
        var access = (string)tokens["accessToken"]!;
        Assert.Equal(204, (await _world.PostAsync("/api/v1/auth/logout", access, "")).Status);
        Assert.Equal(401, (await _world.GetAsync("/api/v1/me", access)).Status);
        Assert.Equal(401, (await RefreshAsync((string)tokens["refreshToken"]!)).Status);
        Assert.Equal(200, (await _world.GetAsync("/api/v1/me", _world.Ann.Token)).Status);
    }

    [Fact]
    public async Task A_new_password_ends_all_sessions()
    {
        var answer = await _world.PostAsync(
            "/api/v1/auth/password",
            _world.Ann.Token,
            """{"currentPassword":"correct horse battery","newPassword":"another horse battery"}"""
        );
        Assert.Equal(204, answer.Status);
        Assert.Equal(401, (await _world.GetAsync("/api/v1/me", _world.Ann.Token)).Status);
        Assert.Equal(401, (await RefreshAsync(_world.Ann.RefreshToken)).Status);
    }

    [Fact]
    public async Task An_access_token_ends_with_its_time()
    {
        Assert.Equal(200, (await _world.GetAsync("/api/v1/me", _world.Ann.Token)).Status);
        _world.Time.Advance(TimeSpan.FromMinutes(15));
        Assert.Equal(401, (await _world.GetAsync("/api/v1/me", _world.Ann.Token)).Status);
    }

    [Fact]
    public async Task A_token_made_or_altered_by_others_is_refused()
    {
        var parts = _world.Ann.Token.Split('.');
        var header = JsonNode.Parse(Base64UrlEncoder.Decode(parts[0]))!;
        var payload = JsonNode.Parse(Base64UrlEncoder.Decode(parts[1]))!;
        var key = Assert.Single(await _world.Get<SigningKeys>().ListAsync(CancellationToken.None));
        var published = key.ECDsa.ExportSubjectPublicKeyInfo();
        using var stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        // The same claims under our key are accepted: what is refused below is refused for what was altered.
        Assert.Equal(200, await StatusAsync(Sign(key.ECDsa, With(header), With(payload))));

        // Algorithm confusion: none, and HMAC with what is public of our key.
        Assert.Equal(401, await StatusAsync($"{Encode(With(header, ("alg", "none")))}.{parts[1]}."));
        Assert.Equal(401, await StatusAsync($"{Encode(With(header, ("alg", "None")))}.{parts[1]}.{parts[2]}"));
        var confused = $"{Encode(With(header, ("alg", "HS256")))}.{parts[1]}";
        Assert.Equal(
            401,
            await StatusAsync($"{confused}.{Base64UrlEncoder.Encode(HMACSHA256.HashData(published, Encoding.ASCII.GetBytes(confused)))}")
        );

        // Another key, whether it is named ours, brought along or pointed to.
        Assert.Equal(401, await StatusAsync(Sign(stranger, With(header), With(payload))));
        Assert.Equal(401, await StatusAsync(Sign(stranger, With(header, ("kid", "x")), With(payload))));
        Assert.Equal(401, await StatusAsync(Sign(stranger, With(header, ("jku", "http://127.0.0.1/keys")), With(payload))));

        // Claims: other issuer, audience, type, times, and what is missing.
        Assert.Equal(401, await StatusAsync(Sign(key.ECDsa, With(header, ("typ", "JWT")), With(payload))));
        Assert.Equal(401, await StatusAsync(Sign(key.ECDsa, With(header), With(payload, ("iss", "x")))));
        Assert.Equal(401, await StatusAsync(Sign(key.ECDsa, With(header), With(payload, ("aud", "x")))));
        Assert.Equal(401, await StatusAsync(Sign(key.ECDsa, With(header), With(payload, ("exp", (long)payload["iat"]! - 1)))));
        Assert.Equal(401, await StatusAsync(Sign(key.ECDsa, With(header), With(payload, ("exp", null)))));
        Assert.Equal(401, await StatusAsync(Sign(key.ECDsa, With(header), With(payload, ("nbf", (long)payload["iat"]! + 600)))));
        Assert.Equal(401, await StatusAsync(Sign(key.ECDsa, With(header), With(payload, ("tver", 7)))));
        Assert.Equal(401, await StatusAsync(Sign(key.ECDsa, With(header), With(payload, ("sid", null)))));
        Assert.Equal(401, await StatusAsync(Sign(key.ECDsa, With(header), With(payload, ("sub", _world.Bob.Id)))));

        // A tenant in the claim is not enough: who does not belong there does not come in.
        var elsewhere = Sign(key.ECDsa, With(header), With(payload, ("tid", "other")));
        Assert.Equal("no-tenant", (await _world.GetAsync("/api/v1/tenant", elsewhere)).Problem);

        // Any single character of the text; of the last one some bits say nothing.
        for (var i = 0; i < _world.Ann.Token.Length - 1; i += 7)
        {
            var altered = _world.Ann.Token.ToCharArray();
            altered[i] = altered[i] == 'A' ? 'B' : 'A';
            Assert.Equal(401, await StatusAsync(new string(altered)));
        }
    }

    [Fact]
    public async Task Keys_take_turns_and_old_tokens_stay_good()
    {
        var keys = _world.Get<SigningKeys>();
        var first = (await keys.GetSigningKeyAsync(CancellationToken.None)).KeyId;
        _world.Time.Advance(TimeSpan.FromDays(30) - TimeSpan.FromMinutes(11));
        var (old, _) = await IssueAsync();
        Assert.Equal(first, (await keys.GetSigningKeyAsync(CancellationToken.None)).KeyId);
        _world.Time.Advance(TimeSpan.FromMinutes(12));
        Assert.NotEqual(first, (await keys.GetSigningKeyAsync(CancellationToken.None)).KeyId);
        Assert.Equal(200, await StatusAsync(old));
        Assert.Equal(2, (await _world.GetAsync("/api/v1/auth/keys", null)).Json["keys"]!.AsArray().Count);
        Assert.DoesNotContain("\"d\"", (await _world.GetAsync("/api/v1/auth/keys", null)).Text, StringComparison.Ordinal);

        _world.Time.Advance(TimeSpan.FromMinutes(20));
        Assert.Single(await keys.ListAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Hosts_over_one_store_take_each_others_tokens()
    {
        using var other = new SigningKeys(
            _world.Get<IControlStore>(),
            _world.Time,
            Microsoft.Extensions.Options.Options.Create(new RestApiOptions())
        );
        var tokens = new AccessTokens(other, _world.Time, Microsoft.Extensions.Options.Options.Create(new RestApiOptions()));
        Assert.NotNull(await tokens.ValidateAsync(_world.Ann.Token, CancellationToken.None));
    }

    private async Task<(string, DateTime)> IssueAsync()
    {
        var (session, _) = await _world.Get<UserSessions>().OpenAsync(_world.Ann.Id, ApiWorld.Plant);
        return await _world.Get<AccessTokens>().IssueAsync(session, CancellationToken.None);
    }

    private async Task<int> StatusAsync(string token) => (await _world.GetAsync("/api/v1/tenant", token)).Status;

    private static string With(JsonNode json, params (string Name, JsonNode? Value)[] changes)
    {
        var copy = json.DeepClone().AsObject();
        foreach (var (name, value) in changes)
        {
            copy.Remove(name);
            if (value is not null)
                copy[name] = value;
        }

        return copy.ToJsonString();
    }

    private static string Encode(string json) => Base64UrlEncoder.Encode(json);

    private static string Sign(ECDsa key, string header, string payload)
    {
        var signed = $"{Encode(header)}.{Encode(payload)}";
        return $"{signed}.{Base64UrlEncoder.Encode(key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256))}";
    }

    private async Task<JsonNode> LoginAsync(string email)
    {
        var answer = await _world.PostAsync("/api/v1/auth/login", null, $$"""{"email":"{{email}}","password":"{{ApiWorld.Password}}"}""");
        Assert.Equal(200, answer.Status);
        return answer.Json;
    }

    private Task<ApiWorld.Answer> RefreshAsync(string token) =>
        _world.PostAsync("/api/v1/auth/refresh", null, $$"""{"refreshToken":"{{token}}"}""");
}
