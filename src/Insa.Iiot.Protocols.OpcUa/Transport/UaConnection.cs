using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Net;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Diagnostics;
using Insa.Iiot.Protocols.OpcUa.SecureChannel;
using Microsoft.AspNetCore.Connections;

namespace Insa.Iiot.Protocols.OpcUa.Transport;

/// <summary>
/// A client's connection: reads chunks, opens its channel, and hands its requests on. Requests are handled one after the other as they come in, in the
/// buffer they came in; answers leave together when nothing more has come.
/// </summary>
internal sealed partial class UaConnection
{
    private static readonly TimeSpan AbortAfter = TimeSpan.FromSeconds(5);

    private readonly ConnectionContext _transport;
    private readonly ServerCore _core;
    private readonly PipeReader _input;
    private readonly ConnectionOutput _output;
    private readonly MessageAssembler _assembler;
    private ConnectionState _state;
    private Hello? _hello;
    private ServerChannel? _channel;
    private MessageWriter? _writer;

    // For chunks that are decrypted, or lie in more than one piece. Rented while requests are handled.
    private byte[] _scratch = [];

    // When what has begun has to be there.
    private long _waitingSince;
    private bool _isWaiting;
    private int _closing;
    private uint _closeStatus;
    private long _closingSince;

    public UaConnection(ConnectionContext transport, ServerCore core)
    {
        (_transport, _core, _input) = (transport, core, transport.Transport.Input);
        _output = new ConnectionOutput(transport.Transport.Output, core.Sending) { Broken = AbortLater };
        _assembler = new MessageAssembler(core.Receiving);
        (ConnectedAt, _waitingSince, _isWaiting) = (core.Time.GetTimestamp(), core.Time.GetTimestamp(), true);
    }

    public long ConnectedAt { get; }

    public bool HasSession => Volatile.Read(ref _channel)?.Security.HasSession ?? false;

    public bool IsClosing => Volatile.Read(ref _closing) != 0;

    public bool IsWaiting => Volatile.Read(ref _isWaiting);

    /// <summary>Runs until the connection ends.</summary>
    public async Task RunAsync()
    {
        try
        {
            while (!IsClosing)
            {
                var read = await _input.ReadAsync().ConfigureAwait(false);
                if (read.IsCanceled && IsClosing)
                    break;
                var buffer = read.Buffer;
                var step = await TakeAsync(buffer).ConfigureAwait(false);
                if (step is { IsGood: false } error)
                {
                    Refuse(error);
                    break;
                }

                if (read.IsCompleted)
                    break;
            }
        }
        finally
        {
            await EndAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Ends the connection, after the client has been told why. For any thread.</summary>
    /// <param name="status">What the client is told.</param>
    /// <param name="reason">What is counted.</param>
    public void BeginClose(StatusCode status, string reason)
    {
        if (Interlocked.Exchange(ref _closing, 1) != 0)
            return;
        Volatile.Write(ref _closeStatus, status.Value);
        Volatile.Write(ref _closingSince, _core.Time.GetTimestamp());
        _core.Metrics.Refused(reason);
        _core.Logger.ConnectionEnded(_transport.ConnectionId, reason);
        _input.CancelPendingRead();
    }

    /// <summary>Looks after time limits. Called from time to time, on any thread.</summary>
    public void Sweep()
    {
        var time = _core.Time;
        if (IsClosing)
        {
            // It does not read that it has to go.
            if (time.GetElapsedTime(Volatile.Read(ref _closingSince)) > AbortAfter)
                _transport.Abort();
            return;
        }

        SweepRequests();
        var channel = Volatile.Read(ref _channel);
        if (channel is null)
        {
            if (time.GetElapsedTime(ConnectedAt) > _core.Options.HandshakeTimeout)
                BeginClose(StatusCodes.BadTimeout, OpcUaMetrics.HandshakeTimeout);
            return;
        }

        if (Volatile.Read(ref _isWaiting) && time.GetElapsedTime(Volatile.Read(ref _waitingSince)) > _core.Options.MessageTimeout)
            BeginClose(StatusCodes.BadTimeout, OpcUaMetrics.MessageTimeout);
        else if (channel.IsExpired)
            BeginClose(StatusCodes.BadSecureChannelTokenUnknown, OpcUaMetrics.TokenExpired);
    }

    // Takes all whole chunks there are; what is left stays in the pipe.
    private async ValueTask<StatusCode> TakeAsync(ReadOnlySequence<byte> buffer)
    {
        while (true)
        {
            var step = TakeChunks(ref buffer, out var status, out var whole);
            if (step == Step.Open)
                status = await OpenAsync(whole!).ConfigureAwait(false);
            ReturnScratch();
            _output.Flush();
            if (step == Step.Close || !status.IsGood)
            {
                _input.AdvanceTo(buffer.Start);
                return status.IsGood ? StatusCodes.BadConnectionClosed : status;
            }

            // Nothing more is done for who does not read what was done before.
            if (_output.IsFlushing)
                await _output.WhenDrainedAsync().ConfigureAwait(false);
            if (step != Step.NeedMore)
                continue;
            Wait(!buffer.IsEmpty || _assembler.IsPartial);
            _input.AdvanceTo(buffer.Start, buffer.End);
            return default;
        }
    }

    private void Wait(bool isWaiting)
    {
        if (isWaiting && !_isWaiting)
            Volatile.Write(ref _waitingSince, _core.Time.GetTimestamp());
        Volatile.Write(ref _isWaiting, isWaiting);
    }

    private Step TakeChunks(ref ReadOnlySequence<byte> buffer, out StatusCode status, out byte[]? whole)
    {
        (status, whole) = (default, null);
        Span<byte> head = stackalloc byte[ChunkHeader.Length];
        while (buffer.Length >= ChunkHeader.Length)
        {
            buffer.Slice(0, ChunkHeader.Length).CopyTo(head);
            var header = ChunkHeader.Read(head);
            status = StateGuard.Check(_state, header);
            if (!status.IsGood)
                return Step.Close;
            if (buffer.Length < header.Size)
                return Step.NeedMore;
            var chunk = buffer.Slice(0, header.Size);
            buffer = buffer.Slice(header.Size);
            switch (header.Type)
            {
                case MessageType.Hello:
                    status = TakeHello(chunk);
                    break;
                case MessageType.Open:
                    whole = chunk.ToArray();
                    return Step.Open;
                default:
                    status = TakeSecured(chunk, header);
                    if (header.Type == MessageType.Close && status.IsGood)
                        return Step.Close;
                    break;
            }

            if (!status.IsGood)
                return Step.Close;
            if (_output.Length >= ConnectionOutput.FullBytes)
                return Step.Drain;
        }

        return Step.NeedMore;
    }

    private StatusCode TakeHello(ReadOnlySequence<byte> chunk)
    {
        var status = Hello.TryRead(chunk.Slice(ChunkHeader.Length).ToArray(), out _hello);
        if (!status.IsGood)
            return status;
        var hello = _hello!;
        _state = ConnectionState.Acknowledged;
        if (!_output.Enter() || !_output.TryReserve(TransportMessages.AcknowledgeBytes))
        {
            _output.Exit();
            return StatusCodes.BadTcpNotEnoughResources;
        }

        TransportMessages.WriteAcknowledge(
            _output.Buffer.AsSpan(_output.Length),
            Math.Min(hello.SendBytes, StateGuard.MaxChunkBytes),
            Math.Min(hello.ReceiveBytes, StateGuard.MaxChunkBytes),
            (uint)_core.Options.MaxRequestBytes,
            (uint)MaxRequestChunks(_core.Options.MaxRequestBytes)
        );
        _output.Advance(TransportMessages.AcknowledgeBytes);
        _output.Exit();
        return default;
    }

    private async ValueTask<StatusCode> OpenAsync(byte[] chunk)
    {
        var hello = _hello!;
        var (channel, status) = await _core
            .Opener.OpenAsync(chunk, _channel, new Caller(hello.EndpointUrl, AddressOf(_transport)), _output, _transport.ConnectionClosed)
            .ConfigureAwait(false);
        if (channel is null || _channel is not null)
            return status;
        _writer = new MessageWriter(
            _output,
            channel,
            (int)Math.Min(hello.ReceiveBytes, StateGuard.MaxChunkBytes),
            hello.MaxMessageBytes == 0
                ? _core.Options.MaxResponseBytes
                : Math.Min(hello.MaxMessageBytes, (uint)_core.Options.MaxResponseBytes),
            hello.MaxChunks is 0 or > int.MaxValue ? int.MaxValue : (int)hello.MaxChunks
        );
        Volatile.Write(ref _channel, channel);
        _state = ConnectionState.Open;
        Wait(false);
        return status;
    }

    private StatusCode TakeSecured(ReadOnlySequence<byte> chunk, ChunkHeader header)
    {
        var channel = _channel!;
        Span<byte> ids = stackalloc byte[8];
        chunk.Slice(ChunkHeader.Length, 8).CopyTo(ids);
        if (BinaryPrimitives.ReadUInt32LittleEndian(ids) != channel.Id)
            return StatusCodes.BadTcpSecureChannelUnknown;
        if (channel.FindToken(BinaryPrimitives.ReadUInt32LittleEndian(ids[4..])) is not { } token)
            return StatusCodes.BadSecureChannelTokenUnknown;

        if (token.Receiving is null && chunk.IsSingleSegment)
            return TakeOpened(chunk.FirstSpan, (int)header.Size - ChunkHeader.MessageLength, header, token);
        var buffer = Scratch((int)header.Size);
        chunk.CopyTo(buffer);
        return ServerChannel.TryOpen(token, buffer, (int)header.Size, out var bodyLength)
            ? TakeOpened(buffer, bodyLength, header, token)
            : StatusCodes.BadSecurityChecksFailed;
    }

    private StatusCode TakeOpened(ReadOnlySpan<byte> chunk, int bodyLength, ChunkHeader header, SecurityToken token)
    {
        var channel = _channel!;
        var sequence = BinaryPrimitives.ReadUInt32LittleEndian(chunk[ChunkHeader.SymmetricLength..]);
        var requestId = BinaryPrimitives.ReadUInt32LittleEndian(chunk[(ChunkHeader.SymmetricLength + 4)..]);
        if (!channel.TryTakeSequenceNumber(sequence))
            return StatusCodes.BadSecurityChecksFailed;
        if (channel.IsNext(token))
            Use(channel, token);
        if (header.Type == MessageType.Close)
            return default;
        if (!_assembler.Fits(requestId))
            return StatusCodes.BadTcpMessageTypeInvalid;

        var body = chunk.Slice(ChunkHeader.MessageLength, bodyLength);
        var maxBytes = channel.Security.IsSignedIn ? _core.Options.MaxRequestBytes : _core.Options.MaxUnauthenticatedRequestBytes;
        switch (header.Kind)
        {
            case ChunkKind.Abort:
                _assembler.Clear();
                return default;
            case ChunkKind.Intermediate:
                return _assembler.Add(requestId, body, maxBytes, MaxRequestChunks(maxBytes));
            default:
                if (!_assembler.IsPartial)
                    return body.Length <= maxBytes ? Handle(requestId, body) : StatusCodes.BadTcpMessageTooLarge;
                var status = _assembler.Add(requestId, body, maxBytes, MaxRequestChunks(maxBytes));
                if (status.IsGood)
                    status = Handle(requestId, _assembler.Message);
                _assembler.Clear();
                return status;
        }
    }

    // The smallest chunks that clients are known to send are of 8 KiB; of half that size there may be as many as fill a message.
    private static int MaxRequestChunks(int maxBytes) => maxBytes / 4096 + 1;

    private void Use(ServerChannel channel, SecurityToken token)
    {
        _output.Enter();
        channel.Use(token);
        _output.Exit();
    }

    private byte[] Scratch(int bytes)
    {
        if (_scratch.Length < bytes)
        {
            ReturnScratch();
            _scratch = ArrayPool<byte>.Shared.Rent(bytes);
        }

        return _scratch;
    }

    private void ReturnScratch()
    {
        if (_scratch.Length > 0)
            ArrayPool<byte>.Shared.Return(_scratch);
        _scratch = [];
    }

    private void Refuse(StatusCode error)
    {
        // A client that closes its channel has no need of a reason.
        if (error != StatusCodes.BadConnectionClosed)
            BeginClose(error, StatusCodes.NameOf(error) ?? OpcUaMetrics.InternalError);
    }

    private static string AddressOf(ConnectionContext transport) => (transport.RemoteEndPoint as IPEndPoint)?.Address.ToString() ?? "";

    private void AbortLater() => ThreadPool.UnsafeQueueUserWorkItem(static connection => connection.Abort(), this, preferLocal: false);

    private void Abort()
    {
        BeginClose(StatusCodes.BadTcpNotEnoughResources, OpcUaMetrics.SlowReader);
        _transport.Abort();
    }

    private async ValueTask EndAsync()
    {
        var status = new StatusCode(Volatile.Read(ref _closeStatus));
        if (!status.IsGood)
        {
            if (_output.Enter() && _output.TryReserve(TransportMessages.ErrorBytes))
            {
                TransportMessages.WriteError(_output.Buffer.AsSpan(_output.Length), status);
                _output.Advance(TransportMessages.ErrorBytes);
            }

            _output.Exit();
            _output.Flush();
            await _output.WhenDrainedAsync().ConfigureAwait(false);
        }

        Interlocked.Exchange(ref _closing, 1);
        _output.Close();
        CancelRequests();
        _assembler.Clear();
        ReturnScratch();
        _output.Enter();
        _channel?.Dispose();
        _output.Exit();
    }

    private enum Step
    {
        NeedMore,
        Open,
        Drain,
        Close,
    }
}
