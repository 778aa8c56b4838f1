using Insa.Iiot.AspNetCore.Guards;
using Insa.Iiot.Tenancy;

namespace Microsoft.AspNetCore.Builder;

/// <summary>
/// Guards of endpoints, of a host's own as of ours. They hold where the host calls <c>UseTenancy</c>; without it, and with an endpoint that has
/// neither a guard nor <c>AllowAnonymous</c>, the host does not start.
/// </summary>
public static class TenantGuardExtensions
{
    /// <summary>Lets in whoever has a valid credential, whatever for.</summary>
    public static TBuilder RequireCaller<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => Add(builder, new Guard(GuardKind.Caller));

    /// <summary>Lets in users who have signed in, and no programs.</summary>
    public static TBuilder RequireUser<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => Add(builder, new Guard(GuardKind.User));

    /// <summary>Lets in operators of the platform.</summary>
    public static TBuilder RequireOperator<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => Add(builder, new Guard(GuardKind.Operator));

    /// <summary>Lets in who works for an active tenant.</summary>
    public static TBuilder RequireTenant<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => Add(builder, new Guard(GuardKind.Tenant));

    /// <summary>Lets in who administers the tenant: who holds <see cref="Permissions.TenantAdmin"/>.</summary>
    public static TBuilder RequireTenantAdmin<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => RequirePermission(builder, Permissions.TenantAdmin);

    /// <summary>Lets in who holds a permission within the tenant.</summary>
    /// <exception cref="ArgumentException"><paramref name="permission"/> is none of <see cref="Permissions.All"/>.</exception>
    public static TBuilder RequirePermission<TBuilder>(this TBuilder builder, string permission)
        where TBuilder : IEndpointConventionBuilder
    {
        _ = PermissionSet.Of(permission);
        return Add(builder, new Guard(GuardKind.Permission, permission));
    }

    /// <summary>Lets in whose tenant has a feature.</summary>
    public static TBuilder RequireTenantFeature<TBuilder>(this TBuilder builder, string feature)
        where TBuilder : IEndpointConventionBuilder
    {
        ArgumentException.ThrowIfNullOrEmpty(feature);
        return Add(builder, new Guard(GuardKind.Feature, feature));
    }

    /// <summary>
    /// Takes from one of the tenant's limits before the endpoint runs, and gives it back if the endpoint answers an error. Exact between hosts.
    /// What is deleted later is given back with <see cref="TenantDirectory.ReleaseAsync"/>.
    /// </summary>
    /// <param name="builder">The endpoint.</param>
    /// <param name="counter">The limit, such as <c>rules</c>.</param>
    /// <param name="amount">How much is taken; at least 1.</param>
    public static TBuilder RequireTenantQuota<TBuilder>(this TBuilder builder, string counter, long amount = 1)
        where TBuilder : IEndpointConventionBuilder
    {
        ArgumentException.ThrowIfNullOrEmpty(counter);
        ArgumentOutOfRangeException.ThrowIfLessThan(amount, 1);
        return Add(builder, new Guard(GuardKind.Quota, counter, amount));
    }

    private static TBuilder Add<TBuilder>(TBuilder builder, Guard guard)
        where TBuilder : IEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Add(endpoint => endpoint.Metadata.Add(guard));

        // After everything that adds guards, of groups too; each time over, so the last one has all.
        builder.Finally(endpoint =>
        {
            if (endpoint.Metadata.OfType<GuardPlan>().FirstOrDefault() is { } earlier)
                endpoint.Metadata.Remove(earlier);
            endpoint.Metadata.Add(GuardPlan.Of(endpoint.Metadata));
        });
        return builder;
    }
}
