using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.Server;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Insa.Iiot.Protocols.OpcUa.Subscriptions;

/// <summary>Registers subscriptions and monitored items.</summary>
internal static class SubscriptionRegistration
{
    public static IServiceCollection AddSubscriptions(this IServiceCollection services)
    {
        services.TryAddSingleton(_ => new SubscriptionLimits());
        services.TryAddSingleton<SubscriptionEngine>();
        services.TryAddSingleton<SubscriptionServices>();
        services.TryAddSingleton<ISubscriptionDiagnostics>(provider => provider.GetRequiredService<SubscriptionServices>());
        services.TryAddSingleton(provider => new Lazy<ISubscriptionDiagnostics>(provider.GetRequiredService<ISubscriptionDiagnostics>));
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IServiceModule, SubscriptionServices>(provider =>
                provider.GetRequiredService<SubscriptionServices>()
            )
        );
        return services;
    }
}
