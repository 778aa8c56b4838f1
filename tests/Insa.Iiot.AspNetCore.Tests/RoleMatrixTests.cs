using Insa.Iiot.AspNetCore.Guards;
using Insa.Iiot.Tenancy;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.AspNetCore.Tests;

/// <summary>Every role against every endpoint: what is expected comes from the endpoints' own guards and the roles' permissions, and no cell is left out.</summary>
public sealed class RoleMatrixTests : IAsyncLifetime
{
    private ApiWorld _world = null!;

    public async ValueTask InitializeAsync() =>
        _world = await ApiWorld.MakeAsync(configure: iiot =>
            iiot.AddRestApi(api =>
            {
                api.CallerRate = "100000:1";
                api.TenantRate = "100000:1";
            })
        );

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task Each_role_may_call_what_it_may_and_nothing_else()
    {
        var own = await _world
            .Get<TenantRoles>()
            .CreateAsync(ApiWorld.Plant, Actor.Platform, "Analyst", PermissionSet.Of(Permissions.AnalyticsRead, Permissions.TelemetryRead));
        var callers = new List<(string Name, string Token, PermissionSet Permissions, bool IsUser, bool IsOperator, bool HasTenant)>
        {
            ("operator of the platform", _world.Olga.Token, default, true, true, false),
        };
        foreach (var role in await _world.Get<TenantRoles>().ListAsync(ApiWorld.Plant))
            callers.Add(
                (role.Name, (await _world.AddAsync($"of-{role.Id}", ApiWorld.Plant, role.Id)).Token, role.Permissions, true, false, true)
            );
        var keyPermissions = PermissionSet.Of(Permissions.DevicesRead, Permissions.TelemetryWrite);
        var (_, key) = await _world.Get<ApiKeys>().CreateAsync(ApiWorld.Plant, Actor.Platform, "k", keyPermissions, expiresAt: null);
        callers.Add(("API key", key, keyPermissions, false, false, true));
        Assert.Contains(callers, caller => caller.Name == own.Name);

        var cells = 0;
        var wrong = new List<string>();
        foreach (var endpoint in Endpoints())
        {
            var plan = endpoint.Metadata.GetMetadata<GuardPlan>()!;
            var method = endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Single();
            foreach (var caller in callers)
            {
                // What would end the caller's own session is asked with a body that cannot be read; what it asks of the caller comes first.
                if (Ends(endpoint))
                    continue;
                var answer = await _world.SendAsync(new HttpMethod(method), PathOf(endpoint), caller.Token, method == "GET" ? null : "[]");
                var may =
                    (!plan.NeedsUser || caller.IsUser)
                    && (!plan.NeedsOperator || caller.IsOperator)
                    && (!plan.NeedsTenant || (caller.HasTenant && caller.Permissions.ContainsAll(plan.Permissions)));
                var did = answer.Problem is not ("permission-denied" or "no-tenant" or "unauthenticated");
                if (may != did || answer.Status >= 500)
                    wrong.Add($"{caller.Name}: {method} {PathOf(endpoint)} {answer.Status} {answer.Text}");
                cells++;
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.True(cells > 400, $"{cells} cells");
    }

    [Fact]
    public async Task Without_a_credential_nobody_calls_what_is_guarded()
    {
        foreach (var endpoint in Endpoints())
        {
            var method = endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Single();
            Assert.Equal(
                "unauthenticated",
                (await _world.SendAsync(new HttpMethod(method), PathOf(endpoint), null, method == "GET" ? null : "[]")).Problem
            );
        }
    }

    [Fact]
    public void Those_who_need_no_credential_are_few_and_named()
    {
        var open = _world
            .Get<EndpointDataSource>()
            .Endpoints.OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null)
            .Select(endpoint => endpoint.RoutePattern.RawText!.TrimStart('/'))
            .Where(path => !path.StartsWith("scalar", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal);
        Assert.Equal(
            [
                "api/v1/audit/keys",
                "api/v1/auth/exchange",
                "api/v1/auth/invitations/accept",
                "api/v1/auth/keys",
                "api/v1/auth/login",
                "api/v1/auth/refresh",
                "api/v1/telemetry",
                "openapi/{documentName}.json",
            ],
            open
        );
    }

    private IEnumerable<RouteEndpoint> Endpoints() =>
        _world
            .Get<EndpointDataSource>()
            .Endpoints.OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.Metadata.GetMetadata<GuardPlan>() is not null);

    private static bool Ends(RouteEndpoint endpoint) =>
        endpoint.RoutePattern.RawText is "/api/v1/auth/logout"
        || endpoint.RoutePattern.RawText == "/api/v1/auth/sessions" && IsDelete(endpoint);

    private static bool IsDelete(RouteEndpoint endpoint) =>
        endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Contains("DELETE");

    private static string PathOf(RouteEndpoint endpoint) =>
        string.Join(
            '/',
            endpoint.RoutePattern.PathSegments.Select(segment =>
                segment.IsSimple && segment.Parts[0] is Microsoft.AspNetCore.Routing.Patterns.RoutePatternLiteralPart literal
                    ? literal.Content
                    : "7"
            )
        );
}
