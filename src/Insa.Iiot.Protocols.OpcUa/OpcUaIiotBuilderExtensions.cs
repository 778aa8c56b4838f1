using Insa.Iiot;
using Insa.Iiot.Protocols;
using Insa.Iiot.Protocols.OpcUa;
using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.Client;
using Insa.Iiot.Protocols.OpcUa.Diagnostics;
using Insa.Iiot.Protocols.OpcUa.History;
using Insa.Iiot.Protocols.OpcUa.Pki;
using Insa.Iiot.Protocols.OpcUa.SecureChannel;
using Insa.Iiot.Protocols.OpcUa.Server;
using Insa.Iiot.Protocols.OpcUa.Server.Services;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Subscriptions;
using Insa.Iiot.Protocols.OpcUa.Transport;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the OPC UA server to a web host.</summary>
public static class OpcUaIiotBuilderExtensions
{
    /// <summary>
    /// Adds the server. It needs an <see cref="IDeviceRegistry"/>, an <see cref="ITelemetryReader"/>, an <see cref="ITelemetryIngress"/> and Kestrel in the
    /// host, and sends commands where there is an <see cref="IDeviceCommands"/> and raises the alarms of an <see cref="IAlarmSource"/>, where there is one; devices sign in by an <see cref="IDeviceAuthenticator"/> and people by an
    /// <see cref="IUserAuthenticator"/>, where the host has one.
    /// </summary>
    /// <remarks>Kestrel ignores the addresses of <c>urls</c> once any listener is set in code: set the host's HTTP listener in code as well.</remarks>
    public static IiotBuilder AddOpcUaServer(this IiotBuilder builder, Action<OpcUaServerOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);

        var services = builder.Services;
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<OpcUaServerOptions>, OpcUaServerOptionsValidator>());
        services.AddOptionsWithValidateOnStart<OpcUaServerOptions>().Configure(configure);
        services.AddMetrics();
        services.TryAddSingleton<OpcUaMetrics>();
        services.TryAddSingleton<ServerIdentity>();
        services.TryAddSingleton<EndpointTable>();
        services.TryAddSingleton<ClientCertificates>();
        services.TryAddSingleton(provider => new KeyWork(
            provider.GetRequiredService<IOptions<OpcUaServerOptions>>().Value.MaxKeyOperations
        ));
        services.TryAddSingleton<ChannelOpener>();
        services.TryAddSingleton<ServiceTable>();
        services.TryAddSingleton<SessionTable>();

        // The table of sessions tells services when one closes, and services make sessions.
        services.TryAddSingleton(provider => new Lazy<SessionTable>(provider.GetRequiredService<SessionTable>));
        services.TryAddSingleton<SessionCounts>();
        services.TryAddSingleton<SignIn>();
        services.TryAddSingleton<SessionRenewal>();
        services.TryAddSingleton<RequestDispatcher>();
        services.TryAddSingleton<ServerCore>();
        services.TryAddSingleton<ConnectionTable>();
        services.TryAddSingleton(provider =>
        {
            var options = provider.GetRequiredService<IOptions<OpcUaServerOptions>>().Value;
            return new AddressLimits(
                options.MaxConnectionsPerAddress,
                options.MaxNewConnectionsPerSecond,
                provider.GetRequiredService<TimeProvider>()
            );
        });
        services.TryAddSingleton<UaConnectionHandler>();
        services.TryAddSingleton(_ => new OpcUaServerAddresses());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IServiceModule, DiscoveryServices>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IServiceModule, SessionServices>());
        services.AddAddressSpace();
        services.AddSubscriptions();
        services.AddHistory();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, OpcUaServer>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, DiscoveryRegistration>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConnectionListenerFactory, InlineTransportFactory>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConfigureOptions<KestrelServerOptions>, OpcUaListenerSetup>());
        services.AddHealthChecks();
        services.Configure<HealthCheckServiceOptions>(health =>
        {
            const string Name = "opcua";
            if (!health.Registrations.Any(registration => registration.Name == Name))
                health.Registrations.Add(
                    new HealthCheckRegistration(Name, ActivatorUtilities.GetServiceOrCreateInstance<OpcUaHealthCheck>, null, null)
                );
        });
        return builder;
    }
}
