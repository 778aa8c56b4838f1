using Insa.Iiot.AspNetCore.Api;
using Insa.Iiot.AspNetCore.Guards;
using Microsoft.AspNetCore.Routing;
using Scalar.AspNetCore;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Adds the REST API to a host's routes.</summary>
public static class RestApiRouteBuilderExtensions
{
    /// <summary>
    /// Adds all endpoints below <c>/api/v1</c>, their OpenAPI 3.1 document at <c>/openapi/v1.json</c>, and a page to try them at <c>/scalar</c>. The host
    /// calls <c>UseTenancy</c> too.
    /// </summary>
    public static IEndpointConventionBuilder MapRestApi(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var api = endpoints.MapGroup("/api/v1");
        api.WithMetadata(new RestEndpoint());
        AuthApi.Map(api);
        TenantsApi.Map(api);
        OffboardingApi.Map(api);
        TenantApi.Map(api);
        RetentionApi.Map(api);
        RolesApi.Map(api);
        MembersApi.Map(api);
        DevicesApi.Map(api);
        CommandsApi.Map(api);
        AuthoritiesApi.Map(api);
        TelemetryApi.Map(api);
        DeadLettersApi.Map(api);
        OverviewApi.Map(api);
        endpoints.MapOpenApi().AllowAnonymous();
        endpoints.MapScalarApiReference(page => page.WithTitle("Insa.Iiot")).AllowAnonymous();
        return api;
    }
}
