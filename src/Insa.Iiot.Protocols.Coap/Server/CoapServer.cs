using System.Net;
using System.Net.Sockets;
using Insa.Iiot.Protocols.Coap.Diagnostics;
using Insa.Iiot.Protocols.Coap.Streams;
using Insa.Iiot.Protocols.Coap.Transport;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Protocols.Coap.Server;

/// <summary>Opens the listeners when the host starts, and closes them when it stops.</summary>
internal sealed class CoapServer(CoapEndpointServices services, CoapServerAddresses addresses, StreamServer streams)
    : IHostedService,
        IAsyncDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<(UdpSocket Socket, CoapEndpoint Endpoint, IDatagramHandler Handler)> _listeners = [];

    /// <exception cref="IOException">An address is taken.</exception>
    /// <exception cref="InvalidOperationException">A listener lacks what it needs of the host.</exception>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            for (var i = 0; i < services.Options.Listeners.Count; i++)
                Start(i, services.Options.Listeners[i]);
        }
        catch
        {
            Close();
            throw;
        }

        foreach (var (socket, _, handler) in _listeners)
        {
            socket.Start(handler, $"CoAP {socket.LocalEndPoint}", services.Logger.DatagramFailed);
            services.Logger.Listening(socket.LocalEndPoint, NameOf(handler));
        }

        return Task.CompletedTask;
    }

    // What was taken is answered first: the pipeline stops after this.
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        foreach (var (socket, _, _) in _listeners)
            socket.Stop();
        await Task.WhenAll(_listeners.Select(listener => listener.Endpoint.WhenAnsweredAsync()))
            .WaitAsync(cancellationToken)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await streams.StopAsync(cancellationToken).ConfigureAwait(false);
        Close();
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        Close();
        _stopping.Dispose();
    }

    private void Start(int index, CoapListenerOptions listener)
    {
        if (listener.Transport == CoapTransport.Tcp)
        {
            // Kestrel was made before, and opens its listeners after this.
            if (!addresses.Has(index))
                throw new InvalidOperationException(
                    "A listener of CoAP over TCP needs Kestrel in the host: it has no web server, or another one."
                );
            return;
        }

        var opened = Open(listener);
        _listeners.Add(opened);
        addresses.Set(index, () => opened.Socket.LocalEndPoint);
    }

    private static string NameOf(IDatagramHandler handler) =>
        handler switch
        {
            SecureListener => "DTLS",
            OscoreListener => "OSCORE",
            _ => "plain",
        };

    private (UdpSocket Socket, CoapEndpoint Endpoint, IDatagramHandler Handler) Open(CoapListenerOptions listener)
    {
        var address = new IPEndPoint(listener.Address, listener.Port);
        if (listener is { IsPlain: false, IsOscore: false, Certificate: null } && services.Keys is null)
        {
            throw new InvalidOperationException(
                $"The DTLS listener on {address} has neither a certificate nor a store of pre-shared keys: set Certificate, or add a store with {nameof(IDevicePskStore)}."
            );
        }

        UdpSocket socket;
        try
        {
            socket = new UdpSocket(address);
        }
        catch (SocketException e)
        {
            throw new IOException($"Cannot listen for CoAP on UDP {address}: {e.Message}.", e);
        }

        try
        {
            return Open(listener, socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private (UdpSocket Socket, CoapEndpoint Endpoint, IDatagramHandler Handler) Open(CoapListenerOptions listener, UdpSocket socket)
    {
        if (listener.IsOscore)
        {
            var oscore = new OscoreListener(services, socket, _stopping.Token);
            return (socket, oscore.Endpoint, oscore);
        }

        if (listener.IsPlain)
        {
            var endpoint = new CoapEndpoint(services, socket, _stopping.Token);
            return (socket, endpoint, endpoint);
        }

        var secure = new SecureListener(services, listener, socket, _stopping.Token);
        return (socket, secure.Endpoint, secure);
    }

    private void Close()
    {
        foreach (var (socket, endpoint, handler) in _listeners)
        {
            endpoint.Stop();

            // Sessions are told of the end after the thread that owns them has stopped, while the socket still sends.
            socket.Stop();
            (handler as IDisposable)?.Dispose();
            socket.Dispose();
        }

        _listeners.Clear();
    }
}
