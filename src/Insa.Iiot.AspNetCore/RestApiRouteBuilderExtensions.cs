using Insa.Iiot.AspNetCore.Api;
using Insa.Iiot.AspNetCore.Guards;
using Microsoft.AspNetCore.Routing;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Adds the REST API to a host's routes.</summary>
public static class RestApiRouteBuilderExtensions
{
    /// <summary>Adds all endpoints below <c>/api/v1</c>. The host calls <c>UseTenancy</c> too.</summary>
    public static IEndpointConventionBuilder MapRestApi(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var api = endpoints.MapGroup("/api/v1");
        api.WithMetadata(new RestEndpoint());
        AuthApi.Map(api);
        TenantsApi.Map(api);
        TenantApi.Map(api);
        RolesApi.Map(api);
        MembersApi.Map(api);
        return api;
    }
}
