using System.Reflection;
using Insa.Iiot.Protocols.OpcUa.Alarms;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Events;
using Insa.Iiot.Protocols.OpcUa.History;
using Insa.Iiot.Protocols.OpcUa.Server;
using Insa.Iiot.Protocols.OpcUa.Server.Methods;
using Insa.Iiot.Protocols.OpcUa.Server.Services;
using Insa.Iiot.Protocols.OpcUa.Server.Writing;
using Insa.Iiot.Protocols.OpcUa.Subscriptions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>Registers the address space, its services, and what it gives to subscriptions and history.</summary>
internal static class AddressSpaceRegistration
{
    public static IServiceCollection AddAddressSpace(this IServiceCollection services)
    {
        services.TryAddSingleton(_ => StandardNodes.Shared);
        services.TryAddSingleton<IMetricCatalog>(provider => new OptionsMetricCatalog(
            provider.GetRequiredService<IOptions<OpcUaServerOptions>>().Value.Metrics
        ));
        services.TryAddSingleton(MakeValues);
        services.TryAddSingleton(provider => new SpaceShared(
            provider.GetRequiredService<StandardNodes>(),
            provider.GetRequiredService<ServerIdentity>().ApplicationUri,
            provider.GetRequiredService<IMetricCatalog>(),
            provider.GetRequiredService<ServerValues>(),
            provider.GetRequiredService<TimeProvider>()
        )
        {
            Diagnostics = new DiagnosticNodes(
                provider.GetRequiredService<StandardNodes>(),
                new Lazy<ISessionDiagnostics>(provider.GetRequiredService<ISessionDiagnostics>),
                provider.GetRequiredService<Lazy<ISubscriptionDiagnostics>>()
            ),
        });
        services.TryAddSingleton<SpaceSource>();
        services.TryAddSingleton<TenantSpaces>();
        services.TryAddSingleton<SessionSpaces>();
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IServiceModule, SessionSpaces>(provider => provider.GetRequiredService<SessionSpaces>())
        );
        services.TryAddSingleton<SessionDiagnostics>();
        services.TryAddSingleton<ISessionDiagnostics>(provider => provider.GetRequiredService<SessionDiagnostics>());
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IServiceModule, SessionDiagnostics>(provider => provider.GetRequiredService<SessionDiagnostics>())
        );
        services.TryAddSingleton<SpaceObserver>();
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<ITelemetryObserver, SpaceObserver>(provider => provider.GetRequiredService<SpaceObserver>())
        );
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, SpaceRefresher>());

        services.TryAddSingleton<MonitoredValues>();
        services.TryAddSingleton<IMonitoredValues>(provider => provider.GetRequiredService<MonitoredValues>());
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<ISpaceListener, MonitoredValues>(provider => provider.GetRequiredService<MonitoredValues>())
        );
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IHostedService, MonitoredValues>(provider => provider.GetRequiredService<MonitoredValues>())
        );

        services.TryAddSingleton<EventMaker>();
        services.TryAddSingleton<MonitoredEvents>();
        services.TryAddSingleton<IMonitoredEvents>(provider => provider.GetRequiredService<MonitoredEvents>());
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<ISpaceListener, MonitoredEvents>(provider => provider.GetRequiredService<MonitoredEvents>())
        );

        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, AlarmFeed>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IMethodModule, ConditionMethods>());

        services.TryAddSingleton<IHistoryNodes, HistoryNodes>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ITelemetryDecoder, WriteDecoder>());
        services.TryAddSingleton<MethodTable>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IMethodModule, DeviceMethods>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IMethodModule, ServerMethods>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IServiceModule, ViewServices>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IServiceModule, TranslateService>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IServiceModule, ReadService>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IServiceModule, WriteService>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IServiceModule, CallService>());
        return services;
    }

    private static ServerValues MakeValues(IServiceProvider provider)
    {
        var identity = provider.GetRequiredService<ServerIdentity>();
        var options = provider.GetRequiredService<IOptions<OpcUaServerOptions>>().Value;
        var server = new ServerDescription
        {
            ApplicationUri = identity.ApplicationUri,
            ProductName = identity.ApplicationName,
            SoftwareVersion =
                typeof(ServerValues).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "",
            Profiles = ServerProfiles.Of(options),
            MaxSessions = options.MaxSessions,
        };
        var values = new ServerValues(provider.GetRequiredService<StandardNodes>());
        var nodes = new ServerNodes(server, provider.GetRequiredService<TimeProvider>());
        nodes.AddStatus(values);
        nodes.AddCapabilities(
            values,
            provider.GetRequiredService<SubscriptionLimits>(),
            provider.GetRequiredService<HistoryLimits>(),
            EncodingLimits.Default
        );

        // Late, for sessions know their services, and services this.
        ServerNodes.AddDiagnostics(
            values,
            new Lazy<ISessionDiagnostics>(provider.GetRequiredService<ISessionDiagnostics>),
            provider.GetRequiredService<Lazy<ISubscriptionDiagnostics>>()
        );
        return values;
    }
}
