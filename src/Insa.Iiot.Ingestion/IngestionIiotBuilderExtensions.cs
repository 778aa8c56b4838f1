using Insa.Iiot;
using Insa.Iiot.Ingestion;
using Insa.Iiot.Ingestion.Decoding;
using Insa.Iiot.Ingestion.Diagnostics;
using Insa.Iiot.Ingestion.Pipeline;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the ingestion pipeline to a host.</summary>
public static class IngestionIiotBuilderExtensions
{
    /// <summary>Adds the pipeline and the decoders for platform JSON and CBOR, SenML and bare scalars. It needs an <see cref="ITelemetrySink"/> in the host.</summary>
    /// <remarks>Call it before protocol adapters are added: services stop in reverse order, so adapters stop taking before the pipeline drains.</remarks>
    public static IiotBuilder AddIngestion(this IiotBuilder builder, Action<IngestionOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);

        var services = builder.Services;
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<IngestionOptions>, IngestionOptionsValidator>());
        var options = services.AddOptionsWithValidateOnStart<IngestionOptions>();
        if (configure is not null)
            options.Configure(configure);

        services.AddMetrics();
        services.TryAddEnumerable([
            ServiceDescriptor.Singleton<ITelemetryDecoder, PlatformJsonDecoder>(),
            ServiceDescriptor.Singleton<ITelemetryDecoder, PlatformCborDecoder>(),
            ServiceDescriptor.Singleton<ITelemetryDecoder, SenmlJsonDecoder>(),
            ServiceDescriptor.Singleton<ITelemetryDecoder, SenmlCborDecoder>(),
            ServiceDescriptor.Singleton<ITelemetryDecoder, ScalarDecoder>(),
        ]);
        services.TryAddSingleton<IngestionMetrics>();
        services.TryAddSingleton<LaneScheduler>();
        services.TryAddSingleton<ChunkPool>();
        services.TryAddSingleton<RetryPolicy>();
        services.TryAddSingleton<DeadLetterWriter>();
        services.TryAddSingleton<ObserverDispatcher>();
        services.TryAddSingleton<TelemetryIngress>();
        services.TryAddSingleton<ITelemetryIngress>(provider => provider.GetRequiredService<TelemetryIngress>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, IngestionService>());
        return builder;
    }
}
