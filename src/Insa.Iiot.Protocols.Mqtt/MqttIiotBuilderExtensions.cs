using Insa.Iiot;
using Insa.Iiot.Protocols;
using Insa.Iiot.Protocols.Mqtt;
using Insa.Iiot.Protocols.Mqtt.Connections;
using Insa.Iiot.Protocols.Mqtt.Diagnostics;
using Insa.Iiot.Protocols.Mqtt.Messaging;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the device-facing MQTT endpoint to a web host.</summary>
public static class MqttIiotBuilderExtensions
{
    /// <summary>Adds the endpoint. It needs an <see cref="ITelemetryIngress"/>, an <see cref="IDeviceAuthenticator"/> and Kestrel in the host.</summary>
    /// <remarks>Kestrel ignores the addresses of <c>urls</c> once any listener is set in code: set the host's HTTP listener in code as well.</remarks>
    public static IiotBuilder AddMqttEndpoint(this IiotBuilder builder, Action<MqttEndpointOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);

        var services = builder.Services;
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<MqttEndpointOptions>, MqttEndpointOptionsValidator>());
        services.AddOptionsWithValidateOnStart<MqttEndpointOptions>().Configure(configure);
        services.TryAddSingleton<MqttMetrics>();
        services.TryAddSingleton(provider =>
        {
            var options = provider.GetRequiredService<IOptions<MqttEndpointOptions>>();
            var metrics = provider.GetRequiredService<MqttMetrics>();
            return new ConnectionLimit(() => options.Value.MaxConnections, () => metrics.Refused("too_many_connections"));
        });
        services.TryAddSingleton<ClientRegistry>();
        services.TryAddSingleton<MqttConnectionHandler>();
        services.TryAddSingleton<DeviceBroker>();
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IHostedService, DeviceBroker>(provider => provider.GetRequiredService<DeviceBroker>())
        );
        services.TryAddSingleton(_ => new MqttEndpointAddresses());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConnectionListenerFactory, InlineTransportFactory>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConfigureOptions<KestrelServerOptions>, MqttListenerSetup>());
        return builder;
    }
}
