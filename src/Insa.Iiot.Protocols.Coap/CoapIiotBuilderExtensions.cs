using Insa.Iiot;
using Insa.Iiot.Protocols;
using Insa.Iiot.Protocols.Coap;
using Insa.Iiot.Protocols.Coap.Diagnostics;
using Insa.Iiot.Protocols.Coap.Resources;
using Insa.Iiot.Protocols.Coap.Server;
using Insa.Iiot.Protocols.Coap.Streams;
using Insa.Iiot.Protocols.Coap.Telemetry;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the CoAP server to a host.</summary>
public static class CoapIiotBuilderExtensions
{
    /// <summary>Adds the server. It needs an <see cref="ITelemetryIngress"/> and an <see cref="IDeviceAuthenticator"/> in the host, and Kestrel for TCP.</summary>
    /// <remarks>
    /// Kestrel ignores the addresses of <c>urls</c> once any listener of TCP is there: set the host's HTTP listener in code as well. WebSocket
    /// takes <c>MapCoap</c> among the routes.
    /// </remarks>
    public static IiotBuilder AddCoapServer(this IiotBuilder builder, Action<CoapServerOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);

        var services = builder.Services;
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<CoapServerOptions>, CoapServerOptionsValidator>());
        services.AddOptionsWithValidateOnStart<CoapServerOptions>().Configure(configure);
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<CoapMetrics>();
        services.TryAddSingleton<TelemetryFormats>();
        services.TryAddSingleton<ResourceTable>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IOwnResource, WellKnownCore>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IOwnResource, TimeResource>());
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IOwnResource, DevicesResource>(provider => new DevicesResource(
                provider.GetService<IDeviceRegistry>()
            ))
        );
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IOwnResource, CommandsResource>(provider => new CommandsResource(
                provider.GetService<IDeviceCommands>()
            ))
        );
        services.TryAddSingleton(provider => new CoapEndpointServices(
            provider.GetRequiredService<IOptionsMonitor<CoapServerOptions>>(),
            provider.GetRequiredService<ITelemetryIngress>(),
            provider.GetRequiredService<IDeviceAuthenticator>(),
            provider.GetService<IDevicePskStore>(),
            provider.GetService<IControlStore>(),
            provider.GetRequiredService<ResourceTable>(),
            provider.GetRequiredService<TelemetryFormats>(),
            provider.GetRequiredService<CoapMetrics>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<CoapServer>>()
        ));
        services.TryAddSingleton(_ => new CoapServerAddresses());
        services.TryAddSingleton(provider =>
        {
            var options = provider.GetRequiredService<IOptionsMonitor<CoapServerOptions>>();
            var metrics = provider.GetRequiredService<CoapMetrics>();
            return new ConnectionLimit(() => options.CurrentValue.MaxConnections, () => metrics.Refused("too_many_connections"));
        });
        services.TryAddSingleton<StreamServer>();
        services.TryAddSingleton<CoapConnectionHandler>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, CoapServer>());

        // In a host without Kestrel nobody asks for these.
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConnectionListenerFactory, InlineTransportFactory>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConfigureOptions<KestrelServerOptions>, StreamListenerSetup>());
        return builder;
    }
}
