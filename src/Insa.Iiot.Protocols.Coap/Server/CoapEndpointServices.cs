using Insa.Iiot.Protocols.Coap.Diagnostics;
using Insa.Iiot.Protocols.Coap.Telemetry;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Protocols.Coap.Server;

/// <summary>What the endpoints of all listeners share.</summary>
internal sealed class CoapEndpointServices(
    IOptionsMonitor<CoapServerOptions> options,
    ITelemetryIngress ingress,
    IDeviceAuthenticator authenticator,
    ResourceTable resources,
    TelemetryFormats formats,
    CoapMetrics metrics,
    TimeProvider time,
    ILogger<CoapServer> logger
)
{
    // Of the monitor, as the check at start is: so that the host's resources are made once, and its reference to one is to the one in use.
    public CoapServerOptions Options { get; } = options.CurrentValue;

    public ITelemetryIngress Ingress => ingress;

    public IDeviceAuthenticator Authenticator => authenticator;

    public ResourceTable Resources => resources;

    public TelemetryFormats Formats => formats;

    public CoapMetrics Metrics => metrics;

    public TimeProvider Time => time;

    public ILogger Logger => logger;
}
