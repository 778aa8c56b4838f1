using Insa.Iiot;
using Insa.Iiot.Tenancy;
using Insa.Iiot.Tenancy.Diagnostics;
using Insa.Iiot.Tenancy.Quotas;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds tenancy to a host.</summary>
public static class TenancyIiotBuilderExtensions
{
    /// <summary>
    /// Adds <see cref="TenantDirectory"/>, <see cref="UserAccounts"/>, <see cref="TenantRoles"/>, <see cref="TenantMembers"/> and
    /// <see cref="TenantInvitations"/>, over the <see cref="IControlStore"/> of a storage package; and <see cref="TenantUsage"/> and
    /// <see cref="UsageLedger"/>, with an admission policy: from now on a message needs an active tenant, within its rates and amounts.
    /// </summary>
    /// <remarks>Call it before ingestion is added: services stop in reverse order, so the last usage is written after the last commit.</remarks>
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
        AddQuotas(services);
        return builder;
    }

    private static void AddQuotas(IServiceCollection services)
    {
        services.AddMetrics();
        services.TryAddSingleton<QuotaMetrics>();
        services.TryAddSingleton<QuotaContext>();
        services.TryAddSingleton<TenantQuotas>();
        services.TryAddSingleton<UsageWriter>();
        services.TryAddSingleton<UsageWarnings>();
        services.TryAddSingleton(provider => new TenantUsage(Of<TenantQuotas>(provider), Of<QuotaContext>(provider)));
        services.TryAddSingleton(provider => new UsageLedger(Of<IControlStore>(provider), Of<TimeProvider>(provider)));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IAdmissionPolicy, TenantAdmission>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ITelemetryObserver, UsageObserver>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, QuotaService>());
    }

    private static T Of<T>(IServiceProvider provider)
        where T : notnull => provider.GetRequiredService<T>();
}
