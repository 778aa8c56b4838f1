using System.Net;
using System.Net.Sockets;
using Insa.Iiot.Protocols.Coap.Diagnostics;
using Insa.Iiot.Protocols.Coap.Transport;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Protocols.Coap.Server;

/// <summary>Opens the listeners when the host starts, and closes them when it stops.</summary>
internal sealed class CoapServer(CoapEndpointServices services, CoapServerAddresses addresses) : IHostedService, IAsyncDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<(UdpSocket Socket, CoapEndpoint Endpoint)> _listeners = [];

    /// <exception cref="IOException">An address is taken.</exception>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var listener in services.Options.Listeners)
        {
            var endpoint = new IPEndPoint(listener.Address, listener.Port);
            UdpSocket socket;
            try
            {
                socket = new UdpSocket(endpoint);
            }
            catch (SocketException e)
            {
                Close();
                throw new IOException($"Cannot listen for CoAP on UDP {endpoint}: {e.Message}.", e);
            }

            _listeners.Add((socket, new CoapEndpoint(services, socket, _stopping.Token)));
        }

        addresses.Endpoints = [.. _listeners.Select(listener => listener.Socket.LocalEndPoint)];
        foreach (var (socket, endpoint) in _listeners)
        {
            socket.Start(endpoint, $"CoAP {socket.LocalEndPoint}");
            services.Logger.Listening(socket.LocalEndPoint, "plain");
        }

        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        Close();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(CancellationToken.None).ConfigureAwait(false);
        _stopping.Dispose();
    }

    private void Close()
    {
        foreach (var (socket, endpoint) in _listeners)
        {
            endpoint.Stop();
            socket.Dispose();
        }

        _listeners.Clear();
    }
}
