using Insa.Iiot;
using Insa.Iiot.Protocols.Amqp;
using Insa.Iiot.Protocols.Amqp.Commands;
using Insa.Iiot.Protocols.Amqp.Connections;
using Insa.Iiot.Protocols.Amqp.Diagnostics;
using Insa.Iiot.Protocols.Amqp.Events;
using Insa.Iiot.Protocols.Amqp.Frames;
using Insa.Iiot.Protocols.Amqp.Publishing;
using Insa.Iiot.Protocols.Amqp.Telemetry;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds RabbitMQ to a host.</summary>
public static class AmqpIiotBuilderExtensions
{
    /// <summary>
    /// Consumes telemetry from queues, which takes an <see cref="ITelemetryIngress"/> and an <see cref="IDeviceRegistry"/> in the host, and publishes commands and
    /// events. The health check <c>amqp</c> (tag <c>ready</c>) says whether the broker is there.
    /// </summary>
    public static IiotBuilder AddAmqp(this IiotBuilder builder, Action<AmqpOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);

        var services = builder.Services;
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<AmqpOptions>, AmqpOptionsValidator>());
        services.AddOptionsWithValidateOnStart<AmqpOptions>().Configure(configure);
        services.AddMetrics();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<AmqpMetrics>();
        services.TryAddSingleton<BrokerConnector>();
        services.TryAddSingleton<PublisherContext>();
        services.TryAddSingleton<IReplies, FrameAnswers>();
        services.TryAddSingleton<EventPublisher>();
        services.TryAddSingleton<IEventPublisher>(provider => provider.GetRequiredService<EventPublisher>());

        services.TryAddSingleton<BrokerHealth>();
        services.TryAddSingleton<BindingDirectory>();
        if (!services.Any(service => service.ServiceType == typeof(AmqpHealthCheck)))
        {
            services.AddSingleton<AmqpHealthCheck>();
            services.AddHealthChecks().AddCheck<AmqpHealthCheck>("amqp", tags: ["ready"]);
        }

        services.TryAddEnumerable(ServiceDescriptor.Singleton<ITelemetryDecoder, FrameDecoder>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, AmqpService>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, CommandService>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, EventService>());
        return builder;
    }

    /// <summary>
    /// Hands telemetry over to other hosts, which write it (<see cref="AmqpOptions.Frames"/>), instead of writing it here: its device is told when the
    /// broker's majority has it. It replaces the <see cref="ITelemetrySink"/> of a store. It needs <see cref="AddAmqp"/>, which says where the broker is.
    /// </summary>
    public static IiotBuilder AddAmqpTelemetrySink(this IiotBuilder builder, Action<AmqpTelemetrySinkOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);

        var services = builder.Services;
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IValidateOptions<AmqpTelemetrySinkOptions>, AmqpTelemetrySinkOptionsValidator>()
        );
        var options = services.AddOptionsWithValidateOnStart<AmqpTelemetrySinkOptions>();
        if (configure is not null)
            options.Configure(configure);
        services.Replace(ServiceDescriptor.Singleton<ITelemetrySink, AmqpTelemetrySink>());
        return builder;
    }
}
