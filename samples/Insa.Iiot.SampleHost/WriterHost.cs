using Insa.Iiot.Protocols.Amqp;
using Insa.Iiot.SampleHost.Storage;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Options;
using OpenTelemetry.Metrics;

namespace Insa.Iiot.SampleHost;

/// <summary>The host in the role of a writer: it stores what adapters hand over by the broker. No device and no user speaks to it.</summary>
internal static class WriterHost
{
    /// <returns>The exit code: 0 after an orderly stop, 1 if the host could not start.</returns>
    public static async Task<int> RunAsync(WebApplicationBuilder builder, HostSettings settings, string credentialKey)
    {
        builder
            .Services.AddIiot()
            .AddStorage(settings, builder.Configuration, credentialKey)
            .AddIngestion(ingestion => builder.Configuration.GetSection("Iiot:Ingestion").Bind(ingestion))
            .AddAmqp(amqp =>
            {
                builder.Configuration.GetSection("Iiot:Amqp").Bind(amqp);
                amqp.Frames ??= new AmqpFramesOptions();
            });
        builder.Services.AddOpenTelemetry().WithMetrics(metrics => metrics.AddMeter("Insa.Iiot.*").AddPrometheusExporter());
        try
        {
            await using var app = builder.Build();
            app.MapGet("/health/live", () => "alive");
            app.MapHealthChecks("/health/ready");
            app.MapPrometheusScrapingEndpoint("/metrics");
            await app.StartAsync();
            var http = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
            await Console.Out.WriteLineAsync(
                $"""

                Insa.Iiot is ready to write what adapters hand over.
                  AMQP   {settings.AmqpUri!.Authority}   RabbitMQ
                  Store  {app.Services.GetRequiredService<StoreName>().Text}
                  HTTP   {http}   /health/ready, /metrics

                Ctrl+C stops it; what was taken is committed first.
                """
            );
            await app.WaitForShutdownAsync();
            return 0;
        }
        catch (OptionsValidationException e)
        {
            return await HostRun.FailAsync(e.Message);
        }
        catch (TelemetryStoreException e)
        {
            return await HostRun.FailAsync($"The store cannot be used. {e.Message}");
        }
        catch (IOException e)
        {
            return await HostRun.FailAsync($"{e.Message} Another port: --Iiot:Http:Port; another folder: --data DIR.");
        }
    }
}
