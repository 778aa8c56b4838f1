using Insa.Iiot;
using Insa.Iiot.Tenancy;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds tenancy to a host.</summary>
public static class TenancyIiotBuilderExtensions
{
    /// <summary>
    /// Adds <see cref="TenantDirectory"/>, <see cref="UserAccounts"/>, <see cref="TenantRoles"/>, <see cref="TenantMembers"/>,
    /// <see cref="TenantInvitations"/> and <see cref="AuditLog"/>, over the <see cref="IControlStore"/> of a storage package.
    /// </summary>
    public static IiotBuilder AddTenancy(this IiotBuilder builder, Action<TenancyOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);

        var services = builder.Services;
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<TenancyOptions>, TenancyOptionsValidator>());
        var options = services.AddOptionsWithValidateOnStart<TenancyOptions>();
        if (configure is not null)
            options.Configure(configure);

        services.TryAddSingleton(provider => new TenantDirectory(
            Of<IControlStore>(provider),
            Of<TimeProvider>(provider),
            Of<IOptions<TenancyOptions>>(provider)
        ));
        services.TryAddSingleton(provider => new UserAccounts(
            Of<IControlStore>(provider),
            Of<TimeProvider>(provider),
            Of<IOptions<TenancyOptions>>(provider)
        ));
        services.TryAddSingleton(provider => new TenantRoles(Of<IControlStore>(provider)));
        services.TryAddSingleton(provider => new TenantMembers(
            Of<IControlStore>(provider),
            Of<TenantDirectory>(provider),
            Of<TenantRoles>(provider),
            Of<UserAccounts>(provider),
            Of<TimeProvider>(provider)
        ));
        services.TryAddSingleton(provider => new TenantInvitations(
            Of<IControlStore>(provider),
            Of<TenantDirectory>(provider),
            Of<TenantRoles>(provider),
            Of<UserAccounts>(provider),
            Of<TenantMembers>(provider),
            Of<TimeProvider>(provider),
            Of<IOptions<TenancyOptions>>(provider)
        ));

        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<AuditOptions>, AuditOptionsValidator>());
        services.AddOptionsWithValidateOnStart<AuditOptions>();
        services.TryAddSingleton(provider => new AuditLog(
            Of<IControlStore>(provider),
            Of<TimeProvider>(provider),
            Of<IOptions<AuditOptions>>(provider)
        ));
        return builder;
    }

    private static T Of<T>(IServiceProvider provider)
        where T : notnull => provider.GetRequiredService<T>();
}
