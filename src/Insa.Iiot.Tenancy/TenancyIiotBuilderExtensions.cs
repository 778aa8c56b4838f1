using Insa.Iiot;
using Insa.Iiot.Tenancy;
using Insa.Iiot.Tenancy.Access;
using Insa.Iiot.Tenancy.Diagnostics;
using Insa.Iiot.Tenancy.Offboarding;
using Insa.Iiot.Tenancy.Quotas;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds tenancy to a host.</summary>
public static class TenancyIiotBuilderExtensions
{
    /// <summary>
    /// Adds tenants, users and their sessions, members, roles, invitations, API keys, authorities of devices' certificates, branding and audit logs, over the
    /// <see cref="IControlStore"/> of a storage package.
    /// And an admission policy: from now on a message needs an active tenant, within its rates and amounts; what is used is kept in a ledger.
    /// </summary>
    /// <remarks>
    /// Where there is an <see cref="ITenantEraser"/>, the host deletes tenants that have left, after <see cref="TenancyOptions.OffboardingDelay"/>.
    /// Call it before ingestion is added: services stop in reverse order, so the last usage is written after the last commit.
    /// </remarks>
    public static IiotBuilder AddTenancy(this IiotBuilder builder, Action<TenancyOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);

        var services = builder.Services;
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<TenancyOptions>, TenancyOptionsValidator>());
        var options = services.AddOptionsWithValidateOnStart<TenancyOptions>();
        if (configure is not null)
            options.Configure(configure);

        services.TryAddSingleton(provider => new WatchedControlStore(Of<IControlStore>(provider)));
        services.TryAddSingleton(provider => new TenantDirectory(
            Of<WatchedControlStore>(provider),
            Of<TimeProvider>(provider),
            Of<IOptions<TenancyOptions>>(provider)
        ));
        services.TryAddSingleton<PasswordWork>();
        services.TryAddSingleton(provider => new UserAccounts(
            Of<WatchedControlStore>(provider),
            Of<PasswordWork>(provider),
            Of<TimeProvider>(provider),
            Of<IOptions<TenancyOptions>>(provider)
        ));
        services.TryAddSingleton(provider => new TenantRoles(Of<WatchedControlStore>(provider), Of<TenantDirectory>(provider)));
        services.TryAddSingleton(provider => new TenantMembers(
            Of<WatchedControlStore>(provider),
            Of<TenantDirectory>(provider),
            Of<TenantRoles>(provider),
            Of<UserAccounts>(provider),
            Of<TimeProvider>(provider)
        ));
        services.TryAddSingleton(provider => new TenantInvitations(
            Of<WatchedControlStore>(provider),
            Of<TenantDirectory>(provider),
            Of<TenantRoles>(provider),
            Of<UserAccounts>(provider),
            Of<TenantMembers>(provider),
            Of<TimeProvider>(provider),
            Of<IOptions<TenancyOptions>>(provider)
        ));
        services.TryAddSingleton(provider => new UserSessions(
            Of<WatchedControlStore>(provider),
            Of<UserAccounts>(provider),
            Of<TimeProvider>(provider),
            Of<IOptions<TenancyOptions>>(provider)
        ));
        services.TryAddSingleton(provider => new ApiKeys(
            Of<WatchedControlStore>(provider),
            Of<TenantDirectory>(provider),
            Of<TimeProvider>(provider)
        ));
        services.TryAddSingleton(provider => new TenantBrandings(Of<WatchedControlStore>(provider)));
        services.TryAddSingleton<AccessDirectory>();
        services.TryAddSingleton(provider => new DeviceAuthorities(Of<IControlStore>(provider), Of<TimeProvider>(provider)));
        services.TryAddSingleton<IIssuedCertificateVerifier, IssuedCertificateVerifier>();
        services.TryAddSingleton<IUserAuthenticator, UserAuthenticator>();

        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<AuditOptions>, AuditOptionsValidator>());
        services.AddOptionsWithValidateOnStart<AuditOptions>();
        services.TryAddSingleton(provider => new AuditLog(
            Of<IControlStore>(provider),
            Of<TimeProvider>(provider),
            Of<IOptions<AuditOptions>>(provider)
        ));
        AddQuotas(services);
        services.TryAddSingleton<TenantArchive>();
        services.TryAddSingleton(provider => new TenantOffboarding(Of<WatchedControlStore>(provider), Of<TenantArchive>(provider)));
        services.TryAddSingleton<TenantRemoval>();
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IHostedService, TenantRemoval>(provider => provider.GetRequiredService<TenantRemoval>())
        );
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
        services.TryAddSingleton<StorageMetering>();
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IHostedService, StorageMetering>(provider => provider.GetRequiredService<StorageMetering>())
        );
    }

    private static T Of<T>(IServiceProvider provider)
        where T : notnull => provider.GetRequiredService<T>();
}
