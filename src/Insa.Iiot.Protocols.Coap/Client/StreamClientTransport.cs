using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Numerics;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Streams;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Client;

/// <summary>A connection by TCP, TLS or WebSocket as a client's transport (RFC 8323). To the client its messages are datagrams: only the header differs.</summary>
internal sealed class StreamClientTransport : ICoapClientTransport
{
    private const int MessageOverhead = 4096;
    private const int MaxDiagnosticBytes = 200;
    private const int MostMessageBytes = 1024 * 1024;
    private const int RoomBytes = 256 * 1024; // enough to keep a connection busy; what is more waits as requests
    private const int MaxSignalBytes = 256 * 1024; // who is asked so often and does not read the answers is cut off
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(2);
    private static readonly SslApplicationProtocol Protocol = new("coap");
    private const string SubProtocol = "coap"; // RFC 8323 §4.1
    private const string WellKnownPath = "/.well-known/coap"; // RFC 8323 §8.3

    private readonly Stream _stream;
    private readonly PipeReader _input;
    private readonly StreamOutput _output;
    private readonly Capabilities _server = new();
    private readonly TaskCompletionSource _known = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stopping = new();
    private readonly int _maxMessageBytes;
    private readonly int _maxFrameBytes;
    private volatile Action<ReadOnlySpan<byte>>? _receive;
    private volatile Action? _room;
    private readonly Lock _end = new();
    private Action<CoapException>? _closed;
    private Task _receiving = Task.CompletedTask;
    private byte[] _datagram = new byte[4096];
    private ushort _lastId;
    private ushort _lastPing;
    private CoapException? _error;
    private bool _isRefused; // by who takes the messages

    /// <param name="stream">The connection; the transport's from now on.</param>
    /// <param name="options">Checked options.</param>
    public StreamClientTransport(Stream stream, CoapClientOptions options)
    {
        _stream = stream;
        _input = PipeReader.Create(stream, new StreamPipeReaderOptions(leaveOpen: true));
        var maxWaitingBytes = RoomBytes + MaxSignalBytes + options.MaxBodyBytes + UdpSocket.MaxDatagramBytes;
        var budget = new OutputBudget((int)BitOperations.RoundUpToPowerOf2((uint)maxWaitingBytes));
        _output = new StreamOutput(PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true)), budget)
        {
            // Neither within a lock of who sends.
            Broken = () => _ = _stopping.CancelAsync(),
            Drained = () => ThreadPool.UnsafeQueueUserWorkItem(static transport => transport._room?.Invoke(), this, preferLocal: false),
        };
        _maxMessageBytes = MaxMessageBytesOf(options);
        _maxFrameBytes = _maxMessageBytes + (stream is WebSocketClientStream ? WebSocketFrames.MaxOverhead : 0);
    }

    public bool IsReliable => true;

    public int MaxMessageBytes => _server.MaxMessageBytes - (StreamFrame.MaxHeaderLength - CoapHeader.Length);

    public bool TakesSeveralBlocks => _server.TakesSeveralBlocks;

    public bool HasRoom => _output.HasRoom(RoomBytes);

    /// <exception cref="CoapException">There is no way to the server, it is none of CoAP, or the two do not accept each other.</exception>
    public static async Task<StreamClientTransport> ConnectAsync(
        string host,
        int port,
        bool isSecure,
        bool isWebSocket,
        CoapClientOptions options,
        CancellationToken cancellationToken
    )
    {
        using var deadline = new CancellationTokenSource(ConnectTimeout, options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        StreamClientTransport? transport = null;
        Stream? stream = null;
        try
        {
            stream = isWebSocket
                ? await OpenWebSocketAsync(host, port, isSecure, options, either.Token).ConfigureAwait(false)
                : await OpenAsync(host, port, either.Token).ConfigureAwait(false);
            if (isSecure && !isWebSocket)
                stream = await SecureAsync(stream, host, options, either.Token).ConfigureAwait(false);
            transport = new StreamClientTransport(stream, options);
            await transport.GreetAsync(either.Token).ConfigureAwait(false);
            return transport;
        }
        catch (Exception e)
        {
            if (transport is not null)
                await transport.DisposeAsync().ConfigureAwait(false);
            else if (stream is not null)
                await stream.DisposeAsync().ConfigureAwait(false);
            if (ToCoapException(e, host, deadline.IsCancellationRequested && !cancellationToken.IsCancellationRequested) is { } error)
                throw error;
            throw;
        }
    }

    public void OnClosed(Action<CoapException> closed)
    {
        CoapException? error;
        lock (_end)
            (_closed, error) = (closed, _error);
        if (error is not null)
            closed(error);
    }

    public void OnRoom(Action room) => _room = room;

    public void Refuse() => _isRefused = true;

    public void Start(Action<ReadOnlySpan<byte>> receive) => _receive = receive;

    public void Send(ReadOnlySpan<byte> datagram)
    {
        if (!CoapHeader.TryRead(datagram, out var header))
            return;
        if (header.Code.Value != 0)
            _output.TryWrite(datagram);
        else if (header.Type == CoapType.Confirmable)
            Ping(header.MessageId);
        _output.Flush();
    }

    public async ValueTask DisposeAsync()
    {
        Signal.Send(_output, Signal.Release);
        _output.Flush();
        await _output.WhenDrainedAsync().WaitAsync(Farewell).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _output.Close();
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _stream.DisposeAsync().ConfigureAwait(false);
        await _receiving.ConfigureAwait(false);
        _stopping.Dispose();
    }

    // The id is the token, which the pong has too (RFC 8323 §5.4).
    private void Ping(ushort id)
    {
        Span<byte> token = stackalloc byte[sizeof(ushort)];
        BinaryPrimitives.WriteUInt16BigEndian(token, id);
        Volatile.Write(ref _lastPing, id);
        Signal.Send(_output, Signal.Ping, token);
    }

    private static async Task<Stream> OpenAsync(string host, int port, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(host, port, cancellationToken).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static int MaxMessageBytesOf(CoapClientOptions options) => Math.Min(options.MaxBodyBytes + MessageOverhead, MostMessageBytes);

    private static async Task<Stream> OpenWebSocketAsync(
        string host,
        int port,
        bool isSecure,
        CoapClientOptions options,
        CancellationToken cancellationToken
    )
    {
        var socket = new ClientWebSocket();
        try
        {
            socket.Options.AddSubProtocol(SubProtocol);
            if (options.Certificate is { } certificate)
                socket.Options.ClientCertificates.Add(certificate);
            var pin = options.ServerCertificateSha256;
            if (!pin.IsEmpty)
                socket.Options.RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null && IsPinned(shown, pin);
            var uri = new UriBuilder(isSecure ? "wss" : "ws", host, port, WellKnownPath).Uri;
            await socket.ConnectAsync(uri, cancellationToken).ConfigureAwait(false);
            if (socket.SubProtocol != SubProtocol)
                throw new CoapException(CoapError.Malformed, $"{host} takes WebSockets, but not of CoAP.");
            return new WebSocketClientStream(socket, MaxMessageBytesOf(options));
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task<Stream> SecureAsync(
        Stream stream,
        string host,
        CoapClientOptions options,
        CancellationToken cancellationToken
    )
    {
        var secure = new SslStream(stream);
        try
        {
            var pin = options.ServerCertificateSha256;
            var authentication = new SslClientAuthenticationOptions
            {
                TargetHost = host,
                ApplicationProtocols = [Protocol],
                ClientCertificates = options.Certificate is { } certificate ? [certificate] : null,
            };
            if (!pin.IsEmpty)
                authentication.RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null && IsPinned(shown, pin);
            await secure.AuthenticateAsClientAsync(authentication, cancellationToken).ConfigureAwait(false);
            return secure;
        }
        catch
        {
            await secure.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static bool IsPinned(X509Certificate shown, ReadOnlyMemory<byte> pin) =>
        CryptographicOperations.FixedTimeEquals(SHA256.HashData(shown.GetRawCertData()), pin.Span);

    private static CoapException? ToCoapException(Exception e, string host, bool isTimeout) =>
        e switch
        {
            OperationCanceledException when isTimeout => new CoapException(
                CoapError.Timeout,
                $"{host} made no connection within {ConnectTimeout}.",
                e
            ),
            SocketException socket => new CoapException(CoapError.Unreachable, $"{host} cannot be reached: {socket.SocketErrorCode}.", e),
            AuthenticationException => new CoapException(
                CoapError.NotAuthenticated,
                $"{host} and this client do not accept each other's credentials.",
                e
            ),
            IOException => new CoapException(CoapError.Unreachable, $"{host} closed the connection.", e),
            WebSocketException when e.GetBaseException() is AuthenticationException => ToCoapException(e.GetBaseException(), host, false),
            WebSocketException => new CoapException(CoapError.Unreachable, $"{host} makes no WebSocket: {e.Message}", e),
            _ => null,
        };

    // RFC 8323 §5.3: both say first what they are able to, and neither waits for the other with it.
    private async Task GreetAsync(CancellationToken cancellationToken)
    {
        Signal.SendCsm(_output, _maxMessageBytes);
        _output.Flush();
        _receiving = ReceiveAsync();
        await _known.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task ReceiveAsync()
    {
        CoapException error;
        try
        {
            error = await ReceiveUntilEndAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            error = new CoapException(CoapError.ConnectionClosed, "The connection is over.", e);
        }

        _output.Close();
        Action<CoapException>? closed;
        lock (_end)
            (_error, closed) = (error, _closed);
        _known.TrySetException(error);
        closed?.Invoke(error);
        await _stream.DisposeAsync().ConfigureAwait(false);
    }

    private async Task<CoapException> ReceiveUntilEndAsync()
    {
        while (true)
        {
            var read = await _input.ReadAsync(_stopping.Token).ConfigureAwait(false);
            var rest = read.Buffer;
            var result = StreamFrame.TryRead(rest, _maxFrameBytes, out var frame);
            for (; result == StreamFrameResult.Complete; result = StreamFrame.TryRead(rest, _maxFrameBytes, out frame))
            {
                if (Handle(frame, rest.Slice(frame.HeaderLength, frame.Length - frame.HeaderLength)) is { } error)
                    return await AbortAsync(error).ConfigureAwait(false);
                rest = rest.Slice(frame.Length);
            }

            _output.Flush();
            if (result != StreamFrameResult.Incomplete)
                return await AbortAsync(Malformed("a message that is malformed or too large")).ConfigureAwait(false);
            _input.AdvanceTo(rest.Start, rest.End);
            if (read.IsCompleted)
                return new CoapException(CoapError.ConnectionClosed, "The server has closed the connection.");
        }
    }

    private async Task<CoapException> AbortAsync(CoapException error)
    {
        Signal.Send(_output, Signal.Abort);
        _output.Flush();
        await _output.WhenDrainedAsync().WaitAsync(Farewell).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return error;
    }

    /// <returns>Why the connection ends, if it does.</returns>
    private CoapException? Handle(in StreamFrame frame, in ReadOnlySequence<byte> rest)
    {
        if (!_server.IsKnown && frame.Code != Signal.Csm)
            return Malformed("something before its CSM");
        var length = CoapHeader.Length + (int)rest.Length;
        if (_datagram.Length < length)
            _datagram = new byte[Math.Max(length, Math.Min(2 * _datagram.Length, _maxFrameBytes))];
        new CoapHeader(CoapType.NonConfirmable, frame.Code, ++_lastId).Write(_datagram, frame.TokenNibble);
        rest.CopyTo(_datagram.AsSpan(CoapHeader.Length));
        var datagram = _datagram.AsSpan(0, length);

        // RFC 8323 §3.4: an empty message says nothing.
        if (frame.Code.Value == 0)
            return null;
        if (frame.Code.Class == Signal.Class || frame.Code.IsRequest)
            return HandleOther(frame.Code, datagram);
        _receive?.Invoke(datagram);
        return _isRefused ? MalformedMessage() : null;
    }

    private CoapException? HandleOther(CoapCode code, ReadOnlySpan<byte> datagram)
    {
        if (!CoapMessage.TryRead(datagram, code, out var message))
            return MalformedMessage();
        if (code.Class == Signal.Class)
            return HandleSignal(code, message);
        Signal.Send(_output, CoapCode.NotImplemented, message.Token); // RFC 8323 §3.3: there is no server here
        return null;
    }

    private CoapException? HandleSignal(CoapCode code, in CoapMessage message)
    {
        if (code == Signal.Csm)
        {
            if (_server.Read(message) != 0)
                return Malformed("a CSM with an option that is critical or wrong");
            _known.TrySetResult();
            return null;
        }

        if (Capabilities.HasCriticalOption(message))
            return Malformed("a signal with a critical option");
        if (code == Signal.Abort)
            return Closed("has aborted", message.Payload);
        if (code == Signal.Release)
            return Closed("releases", message.Payload);
        if (code == Signal.Ping)
            Signal.Send(_output, Signal.Pong, message.Token, (Signal.Custody, 0)); // all that came before is done
        else if (code == Signal.Pong)
            ReceivePong(message.Token);
        return null;
    }

    // As a server answers a ping by datagram. There are some that leave the token out (libcoap 4.3.1).
    private void ReceivePong(ReadOnlySpan<byte> token)
    {
        Span<byte> reset = stackalloc byte[CoapHeader.Length];
        var id = token.Length == sizeof(ushort) ? BinaryPrimitives.ReadUInt16BigEndian(token) : Volatile.Read(ref _lastPing);
        new CoapHeader(CoapType.Reset, default, id).Write(reset, 0);
        _receive?.Invoke(reset);
    }

    // With what the server says to it, for people (RFC 8323 §5.5, §5.6).
    private static CoapException Closed(string how, ReadOnlySpan<byte> diagnostic)
    {
        var text = Encoding.UTF8.GetString(diagnostic[..Math.Min(diagnostic.Length, MaxDiagnosticBytes)]);
        return new CoapException(CoapError.ConnectionClosed, $"The server {how} the connection{(text.Length > 0 ? ": " + text : "")}.");
    }

    private static CoapException MalformedMessage() => Malformed("a malformed message");

    private static CoapException Malformed(string what) => new(CoapError.Malformed, $"The server sent {what}.");
}
