using Insa.Iiot;
using Insa.Iiot.Protocols.Amqp;
using Insa.Iiot.Protocols.Coap;
using Insa.Iiot.Protocols.Mqtt;
using Insa.Iiot.Protocols.OpcUa;
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
string credentialKey;
try
{
    settings = HostSettings.From(builder.Configuration);
    credentialKey = CredentialKeyFile.ReadOrMake(settings.Data);
}
catch (FormatException e)
{
    return await HostRun.FailAsync(e.Message);
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException)
{
    return await HostRun.FailAsync($"{e.Message} Choose a folder that may be written: --data DIR.");
}

builder
    .Logging.AddSimpleConsole(console => console.SingleLine = true)
    .AddFilter("Microsoft", LogLevel.Warning)
    .AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(settings.HttpAddress, settings.HttpPort));
if (settings.Role == HostSettings.Writer)
    return await WriterHost.RunAsync(builder, settings, credentialKey);
var iiot = builder
    .Services.AddIiot()
    .AddStorage(settings, builder.Configuration, credentialKey)
    .AddTenancy(tenancy => builder.Configuration.GetSection("Iiot:Tenancy").Bind(tenancy))
    .AddIngestion(ingestion => builder.Configuration.GetSection("Iiot:Ingestion").Bind(ingestion))
    .AddCommands(commands => builder.Configuration.GetSection("Iiot:Commands").Bind(commands))
    .AddMqttEndpoint(mqtt => mqtt.Listeners.Add(new MqttListenerOptions { Address = settings.MqttAddress, Port = settings.MqttPort }))
    .AddCoapServer(coap =>
    {
        builder.Configuration.GetSection("Iiot:Coap").Bind(coap);
        coap.Listeners.Add(new CoapListenerOptions { Port = settings.CoapPort, IsPlain = true });
        coap.Listeners.Add(new CoapListenerOptions { Address = settings.CoapAddress, Port = settings.CoapSecurePort });
        coap.Listeners.Add(
            new CoapListenerOptions
            {
                Port = settings.CoapPort,
                IsPlain = true,
                Transport = CoapTransport.Tcp,
            }
        );
        if (settings.CoapOscorePort is { } port)
            coap.Listeners.Add(
                new CoapListenerOptions
                {
                    Address = settings.CoapAddress,
                    Port = port,
                    IsOscore = true,
                }
            );
    })
    .AddOpcUaServer(opcua =>
    {
        builder.Configuration.GetSection("Iiot:OpcUa").Bind(opcua);
        opcua.CertificateFolder = settings.OpcUaCertificates;
        opcua.Listeners.Add(new OpcUaListenerOptions { Address = settings.OpcUaAddress, Port = settings.OpcUaPort });
    })
    .AddRestApi(api => builder.Configuration.GetSection("Iiot:RestApi").Bind(api));
if (settings.AmqpUri is not null)
    iiot.AddAmqp(amqp =>
    {
        builder.Configuration.GetSection("Iiot:Amqp").Bind(amqp);

        // An adapter shares its virtual host with writers, and with nobody else.
        if (settings.Role == HostSettings.All)
            amqp.Telemetry.Add(new AmqpTelemetryBinding { Tenant = FirstStart.Tenant, Queue = FirstStart.TelemetryQueue });
    });
if (settings.Role == HostSettings.Adapter)
    iiot.AddAmqpTelemetrySink(sink => builder.Configuration.GetSection("Iiot:Amqp:Sink").Bind(sink));
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
app.MapCoap().AllowAnonymous();
app.MapRestApi();
app.MapHealth();
if (settings.AmqpUri is not null)
    app.MapHealthChecks("/health/broker").AllowAnonymous();
app.MapPrometheusScrapingEndpoint("/metrics").AllowAnonymous();
return await HostRun.RunAsync(app);
