using Insa.Iiot.AspNetCore.Guards;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Puts tenancy into a host's pipeline.</summary>
public static class TenancyApplicationBuilderExtensions
{
    /// <summary>
    /// Finds the caller of every guarded endpoint, and keeps out who may not. Behind routing, before the endpoints. The tenant comes from the
    /// credential alone: a request whose <c>X-Tenant-Id</c> names another is refused.
    /// </summary>
    public static IApplicationBuilder UseTenancy(this IApplicationBuilder app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.ApplicationServices.GetRequiredService<GuardCheck>().IsUsed = true;
        return app.UseMiddleware<TenancyMiddleware>();
    }
}
