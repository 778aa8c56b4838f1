using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Protocols;

/// <summary>Kestrel's sockets for our own listeners, without a thread hop between socket and connection; the host's other listeners stay as they are.</summary>
/// <remarks>Socket completions already come on pool threads, and no connection of ours blocks one: the hop Kestrel makes by default buys nothing here.</remarks>
internal sealed class InlineTransportFactory(IOptionsFactory<SocketTransportOptions> options, ILoggerFactory loggerFactory)
    : IConnectionListenerFactory,
        IConnectionListenerFactorySelector
{
    private const int MaxReadBytes = 64 * 1024;

    private readonly SocketTransportFactory _sockets = new(Options.Create(MakeOptions(options)), loggerFactory);

    public bool CanBind(EndPoint endpoint) => endpoint is OwnEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var address = (IPEndPoint)endpoint;
        return _sockets.BindAsync(new IPEndPoint(address.Address, address.Port), cancellationToken);
    }

    // From the host's own, as they hold Kestrel's memory pool, which nobody else can set: the shared one keeps too few blocks for many connections.
    private static SocketTransportOptions MakeOptions(IOptionsFactory<SocketTransportOptions> factory)
    {
        var options = factory.Create(Options.DefaultName);
        options.UnsafePreferInlineScheduling = true;

        // What a connection that is held back, or a stranger's, may have unread.
        options.MaxReadBufferSize = MaxReadBytes;
        return options;
    }

    /// <summary>Marks an address as one of our listeners'.</summary>
    internal sealed class OwnEndPoint(IPAddress address, int port) : IPEndPoint(address, port);
}
