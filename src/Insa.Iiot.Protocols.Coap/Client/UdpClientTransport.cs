using System.Net;
using System.Net.Sockets;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Client;

/// <summary>A connected UDP socket: the kernel drops what comes from elsewhere.</summary>
internal sealed class UdpClientTransport : ICoapClientTransport
{
    private readonly Socket _socket;
    private readonly CancellationTokenSource _stopping = new();
    private Task _receiving = Task.CompletedTask;

    private UdpClientTransport(Socket socket) => _socket = socket;

    /// <exception cref="CoapException">The name is not known, or this machine has no way to it.</exception>
    public static async Task<UdpClientTransport> ConnectAsync(string host, int port, CancellationToken cancellationToken)
    {
        try
        {
            var addresses = await Dns.GetHostAddressesAsync(host, cancellationToken).ConfigureAwait(false);
            return new UdpClientTransport(ConnectToAny(addresses, port));
        }
        catch (SocketException e)
        {
            throw new CoapException(CoapError.Unreachable, $"{host} cannot be reached: {e.SocketErrorCode}.", e);
        }
    }

    public void Start(Action<ReadOnlySpan<byte>> receive) => _receiving = ReceiveAsync(receive);

    public void Send(ReadOnlySpan<byte> datagram)
    {
        try
        {
            _socket.Send(datagram);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The network is full, or the peer unreachable at the moment: lost like any datagram.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _receiving.ConfigureAwait(false);
        _socket.Dispose();
        _stopping.Dispose();
    }

    // The first address that this machine has a way to.
    private static Socket ConnectToAny(IPAddress[] addresses, int port)
    {
        for (var i = 0; ; i++)
        {
            var socket = new Socket(addresses[i].AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            try
            {
                socket.Connect(new IPEndPoint(addresses[i], port));
                return socket;
            }
            catch (Exception e)
            {
                socket.Dispose();
                if (e is not SocketException || i == addresses.Length - 1)
                    throw;
            }
        }
    }

    private async Task ReceiveAsync(Action<ReadOnlySpan<byte>> receive)
    {
        // One byte more shows what is too large.
        var buffer = GC.AllocateUninitializedArray<byte>(UdpSocket.MaxDatagramBytes + 1, pinned: true);
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                var length = await _socket.ReceiveAsync(buffer, _stopping.Token).ConfigureAwait(false);
                if (length <= UdpSocket.MaxDatagramBytes)
                    receive(buffer.AsSpan(0, length));
            }
            catch (SocketException)
            {
                // An ICMP error for something sent before. It may be forged, and the peer may be back: retransmission decides.
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }
}
