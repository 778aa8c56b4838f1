using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.AspNetCore.Guards;

/// <summary>Lets no host start with an endpoint that nobody has decided about, or with guards that nobody looks at.</summary>
internal sealed class GuardCheck : IStartupFilter
{
    /// <summary>Set by <c>UseTenancy</c>.</summary>
    public bool IsUsed { get; set; }

    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) =>
        app =>
        {
            next(app);
            var endpoints = app.ApplicationServices.GetRequiredService<EndpointDataSource>().Endpoints;
            var open = endpoints
                .Where(endpoint => !IsDecided(endpoint.Metadata))
                .Select(endpoint => endpoint.DisplayName)
                .Distinct()
                .ToList();
            if (open.Count > 0)
                throw new InvalidOperationException(
                    $"Nobody has decided who may call {string.Join(", ", open)}: guard it with RequireTenant() or another, or let everybody in with AllowAnonymous()."
                );
            if (!IsUsed && endpoints.Any(endpoint => endpoint.Metadata.GetMetadata<GuardPlan>() is not null))
                throw new InvalidOperationException(
                    "Endpoints have guards that nobody looks at: call app.UseTenancy() before they are mapped."
                );
        };

    // Who wants to be let in by the framework's own authorization has decided too.
    private static bool IsDecided(EndpointMetadataCollection metadata) =>
        metadata.GetMetadata<GuardPlan>() is not null
        || metadata.GetMetadata<IAllowAnonymous>() is not null
        || metadata.GetMetadata<IAuthorizeData>() is not null;
}
