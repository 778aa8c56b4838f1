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

    private const int TickEvery = 64;

    [ThreadStatic]
    private static SocketAddress? _destination;

    private readonly Socket _socket;
    private readonly Lock _sending = new();
    private readonly LinuxDatagrams? _outgoing = LinuxDatagrams.IsSupported ? new LinuxDatagrams(0) : null;
    private readonly AddressFamily _family;
    private Thread? _thread;
    private Action<Exception> _failed = static _ => { };
    private volatile bool _isStopping;
    private bool _isClosed;

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
            _outgoing?.Dispose();
            throw;
        }
    }

    public IPEndPoint LocalEndPoint => (IPEndPoint)_socket.LocalEndPoint!;

    /// <summary>Starts to receive.</summary>
    /// <param name="handler">Takes what is received.</param>
    /// <param name="name">The thread's name.</param>
    /// <param name="failed">Told of what the handler throws; the socket goes on.</param>
    public void Start(IDatagramHandler handler, string name, Action<Exception> failed)
    {
        _failed = failed;
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

    public void Send(DatagramBatch batch)
    {
        if (_outgoing is null || batch.Count == 1)
        {
            for (var i = 0; i < batch.Count; i++)
                Send(batch.PeerOf(i), batch[i]);
            return;
        }

        lock (_sending)
        {
            if (!_isClosed)
                _outgoing.Send(_socket.SafeHandle, batch, _family);
        }
    }

    /// <summary>Receives no more; sends on.</summary>
    public void Stop()
    {
        _isStopping = true;
        _thread?.Join();
    }

    public void Dispose()
    {
        Stop();
        lock (_sending)
        {
            _isClosed = true;
            _socket.Dispose();
            _outgoing?.Dispose();
        }
    }

    private void ReceiveLoop(IDatagramHandler handler)
    {
        if (LinuxDatagrams.IsSupported)
            ReceiveMany(handler);
        else
            ReceiveEach(handler);
    }

    private void ReceiveMany(IDatagramHandler handler)
    {
        // One byte more shows what is too large.
        using var datagrams = new LinuxDatagrams(MaxDatagramBytes + 1);
        while (!_isStopping)
        {
            // The socket is closed after this thread has ended: its handle is good.
            var count = datagrams.Receive(_socket.SafeHandle);
            for (var i = 0; i < count; i++)
            {
                var datagram = datagrams.DatagramAt(i);
                if (datagram.Length is > 0 and <= MaxDatagramBytes)
                    Give(handler, datagrams.PeerAt(i), datagram);
            }

            Tick(handler);
        }
    }

    private void ReceiveEach(IDatagramHandler handler)
    {
        var buffer = GC.AllocateUninitializedArray<byte>(MaxDatagramBytes + 1, pinned: true);
        var source = new SocketAddress(_family);
        while (!_isStopping)
        {
            for (var i = 0; i < TickEvery && TryReceive(buffer, source, out var length); i++)
                Give(handler, PeerAddress.From(source), buffer.AsSpan(0, length));
            Tick(handler);
        }
    }

    private void Give(IDatagramHandler handler, in PeerAddress peer, ReadOnlySpan<byte> datagram)
    {
        try
        {
            handler.Receive(peer, datagram);
        }
        catch (Exception e)
        {
            _failed(e);
        }
    }

    private void Tick(IDatagramHandler handler)
    {
        try
        {
            handler.Tick();
        }
        catch (Exception e)
        {
            _failed(e);
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
