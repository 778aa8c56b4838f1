using System.Net;
using System.Net.Sockets;

namespace Insa.Iiot.Protocols.Coap.Transport;

/// <summary>A UDP socket with a receiving thread of its own: blocking calls cost less than a task per datagram.</summary>
internal sealed class UdpSocket : IDatagramSender, IDisposable
{
    /// <summary>What fits into an Ethernet frame. Larger datagrams are no messages of ours (RFC 7252 §4.6).</summary>
    public const int MaxDatagramBytes = 1472;

    private const int BufferBytes = 4 * 1024 * 1024;
    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(100);

    [ThreadStatic]
    private static SocketAddress? _destination;

    private readonly Socket _socket;
    private readonly AddressFamily _family;
    private Thread? _thread;
    private volatile bool _isStopping;

    /// <exception cref="SocketException">The address cannot be bound.</exception>
    public UdpSocket(IPEndPoint endpoint)
    {
        _family = endpoint.AddressFamily;
        _socket = new Socket(_family, SocketType.Dgram, ProtocolType.Udp)
        {
            ReceiveBufferSize = BufferBytes,
            SendBufferSize = BufferBytes,
            ReceiveTimeout = (int)TickInterval.TotalMilliseconds,
        };
        try
        {
            if (_family == AddressFamily.InterNetworkV6)
                _socket.DualMode = false;
            _socket.Bind(endpoint);
        }
        catch
        {
            _socket.Dispose();
            throw;
        }
    }

    public IPEndPoint LocalEndPoint => (IPEndPoint)_socket.LocalEndPoint!;

    /// <summary>Starts to receive.</summary>
    public void Start(IDatagramHandler handler, string name)
    {
        _thread = new Thread(() => ReceiveLoop(handler)) { IsBackground = true, Name = name };
        _thread.Start();
    }

    public void Send(in PeerAddress peer, ReadOnlySpan<byte> datagram)
    {
        var destination = _destination;
        if (destination is null || destination.Family != _family)
            _destination = destination = new SocketAddress(_family);
        peer.WriteTo(destination);
        try
        {
            _socket.SendTo(datagram, SocketFlags.None, destination);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The network is full, or the peer unreachable: lost like any datagram.
        }
    }

    public void Dispose()
    {
        _isStopping = true;
        _thread?.Join();
        _socket.Dispose();
    }

    private void ReceiveLoop(IDatagramHandler handler)
    {
        // One byte more shows what is too large.
        var buffer = GC.AllocateUninitializedArray<byte>(MaxDatagramBytes + 1, pinned: true);
        var source = new SocketAddress(_family);
        while (!_isStopping)
        {
            if (TryReceive(buffer, source, out var length))
            {
                handler.Receive(PeerAddress.From(source), buffer.AsSpan(0, length));
                if (_socket.Available > 0)
                    continue;
            }

            handler.Tick();
        }
    }

    private bool TryReceive(byte[] buffer, SocketAddress source, out int length)
    {
        length = 0;
        try
        {
            length = _socket.ReceiveFrom(buffer, SocketFlags.None, source);
            return length is > 0 and <= MaxDatagramBytes;
        }
        catch (SocketException)
        {
            // The time-out that makes room for the tick, or an ICMP error for something sent before: neither ends the socket.
            return false;
        }
    }
}
