using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.Server;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Insa.Iiot.Protocols.OpcUa.History;

/// <summary>Adds history to the server's services. It reads and writes where the host has a store and an ingress.</summary>
internal static class HistoryRegistration
{
    public static IServiceCollection AddHistory(this IServiceCollection services)
    {
        services.TryAddSingleton(HistoryLimits.Default);
        services.TryAddSingleton<IHistoryNodes, HistoryNodes>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IServiceModule, HistoryServices>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IServiceModule, HistoryUpdateService>());
        return services;
    }
}
