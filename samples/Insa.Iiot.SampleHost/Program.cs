using Insa.Iiot;
using Insa.Iiot.Protocols.Mqtt;
using Insa.Iiot.SampleHost;
using Insa.Iiot.SampleHost.Api;
using Insa.Iiot.SampleHost.Audit;
using Insa.Iiot.SampleHost.Bootstrap;
using Insa.Iiot.SampleHost.Simulation;
using Insa.Iiot.SampleHost.Storage;
using Microsoft.Extensions.Options;
using OpenTelemetry.Metrics;

if (args is [AuditCommand.Name, .. var rest])
    return await AuditCommand.RunAsync(rest);

var builder = WebApplication.CreateSlimBuilder(args);
builder.Configuration.AddCommandLine(args, new Dictionary<string, string> { ["--data"] = "Iiot:Data", ["--simulate"] = "Iiot:Simulate" });
HostSettings settings;
try
{
    settings = HostSettings.From(builder.Configuration);
}
catch (FormatException e)
{
    return await HostRun.FailAsync(e.Message);
}

builder
    .Logging.AddSimpleConsole(console => console.SingleLine = true)
    .AddFilter("Microsoft", LogLevel.Warning)
    .AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(settings.HttpAddress, settings.HttpPort));
builder
    .Services.AddIiot()
    .AddStorage(settings, builder.Configuration)
    .AddTenancy(tenancy => builder.Configuration.GetSection("Iiot:Tenancy").Bind(tenancy))
    .AddIngestion(ingestion => builder.Configuration.GetSection("Iiot:Ingestion").Bind(ingestion))
    .AddMqttEndpoint(mqtt => mqtt.Listeners.Add(new MqttListenerOptions { Address = settings.MqttAddress, Port = settings.MqttPort }))
    .AddRestApi(api => builder.Configuration.GetSection("Iiot:RestApi").Bind(api));
builder.Services.AddSingleton(settings).AddSingleton<FirstStart>();
if (settings.SimulatedMachines > 0)
    builder.Services.AddHostedService<MachineSimulator>();
builder.Services.AddProblemDetails();
builder.Services.AddOpenTelemetry().WithMetrics(metrics => metrics.AddMeter("Insa.Iiot.*").AddPrometheusExporter());

WebApplication built;
try
{
    // The server is made here, and with it all that it needs.
    built = builder.Build();
}
catch (OptionsValidationException e)
{
    return await HostRun.FailAsync(e.Message);
}

await using var app = built;
app.UseExceptionHandler(
    new ExceptionHandlerOptions
    {
        StatusCodeSelector = e =>
            e switch
            {
                TelemetryStoreException { IsTransient: true } => StatusCodes.Status503ServiceUnavailable,
                BadHttpRequestException bad => bad.StatusCode,
                _ => StatusCodes.Status500InternalServerError,
            },
    }
);
app.UseStatusCodePages();
app.UseWebSockets();
app.UseTenancy();
app.MapMqtt("/mqtt").AllowAnonymous(); // devices show their own credential
app.MapRestApi();
app.MapHealth();
app.MapPrometheusScrapingEndpoint("/metrics").AllowAnonymous();
return await HostRun.RunAsync(app);
