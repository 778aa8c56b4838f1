using Insa.Iiot.Protocols.Coap.Diagnostics;
using Insa.Iiot.Protocols.Coap.Telemetry;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Protocols.Coap.Server;

/// <summary>What the endpoints of all listeners share.</summary>
/// <param name="options">Of the monitor, as the check at start is: the host's resources are made once, and its reference to one is to the one in use.</param>
/// <param name="ingress">Takes telemetry.</param>
/// <param name="authenticator">Knows devices.</param>
/// <param name="keys">Knows pre-shared keys; <see langword="null"/> in a host without any.</param>
/// <param name="control">Keeps sequence numbers; <see langword="null"/> in a host without a control plane.</param>
/// <param name="resources">All resources.</param>
/// <param name="formats">The formats of telemetry.</param>
/// <param name="metrics">Counts.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Logs.</param>
internal sealed class CoapEndpointServices(
    IOptionsMonitor<CoapServerOptions> options,
    ITelemetryIngress ingress,
    IDeviceAuthenticator authenticator,
    IDevicePskStore? keys,
    IControlStore? control,
    ResourceTable resources,
    TelemetryFormats formats,
    CoapMetrics metrics,
    TimeProvider time,
    ILogger<CoapServer> logger
)
{
    public CoapServerOptions Options { get; } = options.CurrentValue;

    public ITelemetryIngress Ingress => ingress;

    public IDeviceAuthenticator Authenticator => authenticator;

    public IDevicePskStore? Keys => keys;

    public IControlStore? Control => control;

    public ResourceTable Resources => resources;

    public TelemetryFormats Formats => formats;

    public CoapMetrics Metrics => metrics;

    public TimeProvider Time => time;

    public ILogger Logger => logger;
}
