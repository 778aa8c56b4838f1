using Insa.Iiot.Protocols.OpcUa.Diagnostics;
using Insa.Iiot.Protocols.OpcUa.SecureChannel;
using Insa.Iiot.Protocols.OpcUa.Server;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Protocols.OpcUa.Transport;

/// <summary>What all connections have in common.</summary>
internal sealed class ServerCore(
    RequestDispatcher dispatcher,
    ChannelOpener opener,
    OpcUaMetrics metrics,
    IOptions<OpcUaServerOptions> options,
    TimeProvider time,
    ILogger<ServerCore> logger
)
{
    public RequestDispatcher Dispatcher { get; } = dispatcher;

    public ChannelOpener Opener { get; } = opener;

    public OpcUaMetrics Metrics { get; } = metrics;

    public OpcUaServerOptions Options { get; } = options.Value;

    public TimeProvider Time { get; } = time;

    public ILogger Logger { get; } = logger;

    /// <summary>For requests that come in more than one chunk.</summary>
    public MemoryBudget Receiving { get; } = new(options.Value.MaxReceiveMemory);

    /// <summary>For responses that wait for their client.</summary>
    public MemoryBudget Sending { get; } = new(options.Value.MaxSendMemory);
}
