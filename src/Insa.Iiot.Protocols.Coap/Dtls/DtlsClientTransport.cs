using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Insa.Iiot.Protocols.Coap.Transport;
using Org.BouncyCastle.Crypto.Prng;
using Org.BouncyCastle.Security;
using Org.BouncyCastle.Tls;
using Org.BouncyCastle.Tls.Crypto.Impl.BC;

namespace Insa.Iiot.Protocols.Coap.Dtls;

/// <summary>A client's DTLS session with one server, on a socket and a thread of its own. <see cref="Send"/> is for any thread.</summary>
internal sealed class DtlsClientTransport : IDisposable
{
    private const byte FatalLevel = 2;
    private const byte CloseNotify = 0;
    private const int BufferBytes = 1024 * 1024;
    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly byte[] _sendBuffer = new byte[UdpSocket.MaxDatagramBytes];
    private readonly IPEndPoint _server;
    private readonly PeerAddress _peer;
    private readonly DtlsClientSettings _settings;
    private readonly IDatagramHandler _handler;
    private readonly TimeProvider _time;
    private Socket _socket;
    private DtlsRecords? _records;
    private volatile bool _isClosed;

    private DtlsClientTransport(IPEndPoint server, DtlsClientSettings settings, IDatagramHandler handler, TimeProvider time)
    {
        (_server, _settings, _handler, _time) = (server, settings, handler, time);
        _peer = PeerAddress.From(server);
        _socket = Open(server, settings.LocalEndPoint);
    }

    /// <summary>Completes when the session has ended, by either side.</summary>
    public Task Closed => _closed.Task;

    /// <summary>What <see cref="Send"/> takes at most.</summary>
    public int MaxPlaintextBytes =>
        Math.Min(
            _records!.MaxPlaintextBytes,
            UdpSocket.MaxDatagramBytes - DtlsRecord.HeaderLength - DtlsRecords.MaxOverhead - _records.PeerIdLength
        );

    public IPEndPoint LocalEndPoint => (IPEndPoint)_socket.LocalEndPoint!;

    /// <summary>Makes a session. What it receives goes to <paramref name="handler"/>, on the session's own thread, as from <paramref name="server"/>.</summary>
    /// <exception cref="AuthenticationException">The server or the client refused the other; the inner exception says more.</exception>
    /// <exception cref="TimeoutException">The server did not answer in time.</exception>
    public static async Task<DtlsClientTransport> ConnectAsync(
        IPEndPoint server,
        DtlsClientSettings settings,
        IDatagramHandler handler,
        TimeProvider time,
        CancellationToken cancellationToken
    )
    {
        var transport = new DtlsClientTransport(server, settings, handler, time);
        var connected = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() => transport.Run(connected, cancellationToken)) { IsBackground = true, Name = "coap dtls client" };
        thread.Start();
        await connected.Task.ConfigureAwait(false);
        return transport;
    }

    /// <summary>Sends a message, or loses it as the network may.</summary>
    /// <returns><see langword="false"/> if the session is closed or the message too long.</returns>
    public bool Send(ReadOnlySpan<byte> plaintext) => SendRecord(DtlsContentType.ApplicationData, plaintext);

    /// <summary>Goes on from another local address, as after a change of network. The server follows if the session has a connection id.</summary>
    public void Rebind()
    {
        var socket = Open(_server, local: null);
        lock (_lock)
        {
            if (!_isClosed)
                (socket, _socket) = (_socket, socket);
        }

        socket.Dispose();
    }

    /// <summary>Ends the session and tells the server. Its thread ends soon.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            SendRecord(DtlsContentType.Alert, [1, CloseNotify]);
            _isClosed = true;
        }
    }

    private static Socket Open(IPEndPoint server, IPEndPoint? local)
    {
        var socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp)
        {
            ReceiveBufferSize = BufferBytes,
            ReceiveTimeout = (int)TickInterval.TotalMilliseconds,
        };
        try
        {
            if (local is not null)
                socket.Bind(local);
            socket.Connect(server);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private void Run(TaskCompletionSource connected, CancellationToken cancellationToken)
    {
        try
        {
            _records = Handshake(cancellationToken);
        }
        catch (Exception e)
        {
            _isClosed = true;
            _socket.Dispose();
            connected.TrySetException(Translate(e, cancellationToken));
            return;
        }

        connected.TrySetResult();
        var buffer = GC.AllocateUninitializedArray<byte>(UdpSocket.MaxDatagramBytes, pinned: true);
        var plaintext = GC.AllocateUninitializedArray<byte>(UdpSocket.MaxDatagramBytes, pinned: true);
        while (!_isClosed)
        {
            var socket = Volatile.Read(ref _socket);
            if (TryReceive(socket, buffer, out var length))
                Receive(buffer.AsSpan(0, length), plaintext);
            _handler.Tick();
        }

        lock (_lock)
        {
            _socket.Dispose();
            _records.Dispose();
        }

        _closed.TrySetResult();
    }

    private DtlsRecords Handshake(CancellationToken cancellationToken)
    {
        var crypto = new BcTlsCrypto(new SecureRandom(new CryptoApiRandomGenerator()));
        var transport = new ClientHandshakeTransport(_socket, cancellationToken);
        var client = new DtlsClientPeer(crypto, _settings, _time) { LastSequence = () => transport.LastSequence };
        new DtlsClientProtocol().Connect(client, transport);
        return client.Records!;
    }

    private static Exception Translate(Exception e, CancellationToken cancellationToken) =>
        e switch
        {
            HandshakeAbortedException => new OperationCanceledException(e.Message, e, cancellationToken),
            TlsTimeoutException => new TimeoutException("The DTLS server did not answer in time.", e),
            _ => new AuthenticationException("The DTLS handshake failed.", e),
        };

    private static bool TryReceive(Socket socket, byte[] buffer, out int length)
    {
        length = 0;
        try
        {
            length = socket.Receive(buffer);
            return length > 0;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The time-out that makes room for the tick, an ICMP error, or a socket that another took the place of.
            return false;
        }
    }

    private void Receive(ReadOnlySpan<byte> datagram, Span<byte> plaintext)
    {
        while (DtlsRecord.TryRead(ref datagram, _records!.OwnId.Length, out var record))
        {
            if (_records.Open(record, plaintext, out var type, out var length, out _) != DtlsOpening.Opened)
                continue;
            if (type == DtlsContentType.ApplicationData && length > 0)
                _handler.Receive(_peer, plaintext[..length]);
            else if (type == DtlsContentType.Alert && length == 2 && (plaintext[0] == FatalLevel || plaintext[1] == CloseNotify))
                Dispose();
        }
    }

    private bool SendRecord(DtlsContentType type, ReadOnlySpan<byte> plaintext)
    {
        lock (_lock)
        {
            if (_isClosed || _records is null)
                return false;
            var length = _records.Seal(type, plaintext, _sendBuffer);
            if (length == 0)
                return false;
            try
            {
                _socket.Send(_sendBuffer.AsSpan(0, length));
            }
            catch (SocketException)
            {
                // Lost, like any datagram.
            }

            return true;
        }
    }
}
