using System.Buffers.Binary;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Pki;
using Insa.Iiot.Protocols.OpcUa.SecureChannel;
using Insa.Iiot.Protocols.OpcUa.Security;
using Insa.Iiot.Protocols.OpcUa.Transport;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Client;

/// <summary>
/// The client's end of a connection to another server: opens a secure channel, and calls services that need no session, one after the other. Its token is
/// not renewed: it is for a few calls. Not for several threads.
/// </summary>
internal sealed class ClientChannel : IAsyncDisposable
{
    // What an answer may be: a list of endpoints with certificates is the largest there is here.
    private const int MaxResponseBytes = 1024 * 1024;
    private const int MaxResponseChunks = MaxResponseBytes / 4096;
    private const uint TokenLifetimeMs = 60_000;

    // An answer outside of any channel: an error with its reason in words.
    private const uint LeastErrorBytes = ChunkHeader.Length + sizeof(uint);

    private readonly TcpClient _tcp = new() { NoDelay = true };
    private readonly ClientEndpoint _endpoint;
    private readonly OwnCertificate _own;
    private readonly TimeProvider _time;
    private readonly MessageAssembler _assembler = new(new MemoryBudget(2 * MaxResponseBytes));
    private ServerChannel? _channel;
    private int _peerChunkBytes;
    private uint _requestId;

    private ClientChannel(ClientEndpoint endpoint, OwnCertificate own, TimeProvider time) =>
        (_endpoint, _own, _time) = (endpoint, own, time);

    /// <summary>Connects and opens a channel.</summary>
    /// <exception cref="ClientException">The other server refuses, or does not speak the protocol.</exception>
    /// <exception cref="IOException">There is no connection to it.</exception>
    /// <exception cref="SocketException">There is no connection to it.</exception>
    public static async Task<ClientChannel> OpenAsync(
        ClientEndpoint endpoint,
        OwnCertificate own,
        TimeProvider time,
        CancellationToken cancellationToken
    )
    {
        var channel = new ClientChannel(endpoint, own, time);
        try
        {
            await channel._tcp.ConnectAsync(endpoint.Url.IdnHost, endpoint.Port, cancellationToken).ConfigureAwait(false);
            await channel.GreetAsync(cancellationToken).ConfigureAwait(false);
            await channel.OpenAsync(cancellationToken).ConfigureAwait(false);
            return channel;
        }
        catch
        {
            await channel.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Calls a service.</summary>
    /// <exception cref="ClientException">It answers by a fault, or not as it should.</exception>
    /// <exception cref="IOException">The connection is lost.</exception>
    public async Task<TResponse> CallAsync<TResponse>(IUaEncodable request, CancellationToken cancellationToken)
        where TResponse : IUaStructure<TResponse>
    {
        var requestId = ++_requestId;
        await SendAsync(MakeMessage(request, requestId), cancellationToken).ConfigureAwait(false);
        try
        {
            while (!TakeChunk(await ReadAsync(cancellationToken).ConfigureAwait(false), requestId))
            {
                // More of it is to come.
            }

            return Decode<TResponse>(_assembler.Message);
        }
        finally
        {
            _assembler.Clear();
        }
    }

    /// <summary>Closes the channel, which has no answer, and then the connection.</summary>
    public async Task CloseAsync(CancellationToken cancellationToken)
    {
        var close = MakeMessage(new CloseSecureChannelRequest { RequestHeader = MakeHeader() }, ++_requestId, MessageType.Close);
        await SendAsync(close, cancellationToken).ConfigureAwait(false);
        _tcp.Client.Shutdown(SocketShutdown.Send);
    }

    /// <summary>The header of a request.</summary>
    public RequestHeader MakeHeader() => new() { Timestamp = _time.GetUaTicks(), RequestHandle = _requestId + 1 };

    public ValueTask DisposeAsync()
    {
        _assembler.Clear();
        _channel?.Dispose();
        _tcp.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task GreetAsync(CancellationToken cancellationToken)
    {
        var hello = new Hello(
            0,
            StateGuard.MaxChunkBytes,
            StateGuard.MaxChunkBytes,
            MaxResponseBytes,
            MaxResponseChunks,
            _endpoint.Url.OriginalString
        );
        await SendAsync(hello.ToBytes(), cancellationToken).ConfigureAwait(false);
        var answer = await ReadAsync(cancellationToken).ConfigureAwait(false);
        if (ChunkHeader.Read(answer).Type != MessageType.Acknowledge || answer.Length < TransportMessages.AcknowledgeBytes)
            throw new ClientException(StatusCodes.BadTcpMessageTypeInvalid);

        // What it receives is what we send.
        _peerChunkBytes = (int)Math.Min(BinaryPrimitives.ReadUInt32LittleEndian(answer.AsSpan(12)), StateGuard.MaxChunkBytes);
    }

    private async Task OpenAsync(CancellationToken cancellationToken)
    {
        var policy = _endpoint.Policy;
        var nonce = policy.IsNone ? null : RandomNumberGenerator.GetBytes(SecurityPolicy.NonceBytes);
        using var certificate = policy.IsNone ? null : X509CertificateLoader.LoadCertificate(_endpoint.ServerCertificate);
        using var key = certificate?.GetRSAPublicKey();
        await SendAsync(MakeOpen(nonce, certificate, key), cancellationToken).ConfigureAwait(false);
        Open(await ReadAsync(cancellationToken).ConfigureAwait(false), nonce, certificate, key);
    }

    private byte[] MakeOpen(byte[]? nonce, X509Certificate2? certificate, RSA? key)
    {
        using var body = new PooledOutput();
        var writer = new UaWriter(body);
        writer.NodeId(OpenSecureChannelRequest.BinaryEncodingId);
        new OpenSecureChannelRequest
        {
            RequestHeader = MakeHeader(),
            RequestType = SecurityTokenRequestType.Issue,
            SecurityMode = _endpoint.Mode,
            ClientNonce = nonce,
            RequestedLifetime = TokenLifetimeMs,
        }.Encode(ref writer);
        writer.Flush();
        var isSecured = key is not null;

        // The first number of the channel's.
        return OpenChunk.Make(
            _endpoint.Policy,
            isSecured ? _own.Key : null,
            _own.Der,
            key,
            certificate?.GetCertHash(),
            channelId: 0,
            sequenceNumber: 1,
            requestId: ++_requestId,
            body.WrittenSpan
        );
    }

    private void Open(byte[] chunk, byte[]? nonce, X509Certificate2? certificate, RSA? key)
    {
        if (
            ChunkHeader.Read(chunk) is not { Type: MessageType.Open, Kind: ChunkKind.Final }
            || !OpenChunk.TryReadHeader(chunk, out var header)
        )
            throw new ClientException(StatusCodes.BadTcpMessageTypeInvalid);
        var start = header.Length + ChunkHeader.SequenceLength;
        var bodyLength = chunk.Length - start;
        var isRight = header.PolicyUri.SequenceEqual(_endpoint.Policy.UriUtf8);
        if (key is not null)
        {
            isRight =
                isRight
                && header.Certificate.StartsWith(certificate!.RawDataMemory.Span)
                && OpenChunk.IsThumbprint(header.Thumbprint, _own.Sha1Thumbprint)
                && OpenChunk.TryOpen(_endpoint.Policy, _own.Key, key, chunk, header.Length, out bodyLength);
        }

        if (!isRight)
            throw new ClientException(StatusCodes.BadSecurityChecksFailed);
        var (sequence, _) = OpenChunk.ReadSequenceHeader(chunk.AsSpan(start - ChunkHeader.SequenceLength));
        var response = Decode<OpenSecureChannelResponse>(chunk.AsSpan(start, bodyLength));
        if (response.SecurityToken is not { } issued || (key is not null && response.ServerNonce?.Length != SecurityPolicy.NonceBytes))
            throw new ClientException(StatusCodes.BadSecurityChecksFailed);
        _channel = new ServerChannel(
            new ChannelSecurity(issued.ChannelId, _endpoint.Policy, _endpoint.Mode, _own.Der, new Caller(_endpoint.Url.OriginalString, "")),
            _time
        );
        _channel.NextSequenceNumber();
        _channel.TryTakeSequenceNumber(sequence);
        _channel.Add(MakeToken(issued, nonce, response.ServerNonce));
    }

    private SecurityToken MakeToken(ChannelSecurityToken issued, byte[]? nonce, byte[]? serverNonce)
    {
        var lifetime = TimeSpan.FromMilliseconds(issued.RevisedLifetime);
        if (nonce is null)
            return new SecurityToken(issued.TokenId, _time.GetTimestamp(), lifetime, null, null);
        var encrypts = _endpoint.Mode == MessageSecurityMode.SignAndEncrypt;
        return new SecurityToken(
            issued.TokenId,
            _time.GetTimestamp(),
            lifetime,
            SymmetricKeys.Derive(_endpoint.Policy, nonce, serverNonce, encrypts ? CipherUse.Decrypt : CipherUse.None),
            SymmetricKeys.Derive(_endpoint.Policy, serverNonce, nonce, encrypts ? CipherUse.Encrypt : CipherUse.None)
        );
    }

    private byte[] MakeMessage(IUaEncodable request, uint requestId, MessageType type = MessageType.Message)
    {
        var channel = _channel!;
        using var body = new PooledOutput(channel.MaxBodyBytes(_peerChunkBytes));
        var writer = new UaWriter(body);
        writer.NodeId(request.EncodingId);
        request.Encode(ref writer);
        writer.Flush();

        // What is called here fits into one chunk of the smallest size there may be, unless names are very long.
        if (!writer.Status.IsGood)
            throw new ClientException(StatusCodes.BadRequestTooLarge);
        var buffer = new byte[ChunkHeader.MessageLength + body.Length + channel.MaxTrailerBytes];
        body.WrittenSpan.CopyTo(buffer.AsSpan(ChunkHeader.MessageLength));
        return buffer[..channel.Seal(buffer, 0, body.Length, ChunkKind.Final, requestId, type)];
    }

    // Whether the message is whole.
    private bool TakeChunk(byte[] chunk, uint requestId)
    {
        var header = ChunkHeader.Read(chunk);
        if (header.Type != MessageType.Message || chunk.Length < ChunkHeader.MessageLength)
            throw new ClientException(StatusCodes.BadTcpMessageTypeInvalid);
        var channel = _channel!;
        var ids = chunk.AsSpan(ChunkHeader.Length);
        if (BinaryPrimitives.ReadUInt32LittleEndian(ids) != channel.Id)
            throw new ClientException(StatusCodes.BadTcpSecureChannelUnknown);
        if (channel.FindToken(BinaryPrimitives.ReadUInt32LittleEndian(ids[4..])) is not { } token)
            throw new ClientException(StatusCodes.BadSecureChannelTokenUnknown);
        if (!ServerChannel.TryOpen(token, chunk, chunk.Length, out var bodyLength))
            throw new ClientException(StatusCodes.BadSecurityChecksFailed);
        var (sequence, answered) = OpenChunk.ReadSequenceHeader(chunk.AsSpan(ChunkHeader.SymmetricLength));
        if (!channel.TryTakeSequenceNumber(sequence) || answered != requestId)
            throw new ClientException(StatusCodes.BadSecurityChecksFailed);
        var body = chunk.AsSpan(ChunkHeader.MessageLength, bodyLength);
        if (header.Kind == ChunkKind.Abort)
            throw new ClientException(ReadError(body));
        if (_assembler.Add(requestId, body, MaxResponseBytes, MaxResponseChunks) is { IsGood: false } tooLarge)
            throw new ClientException(tooLarge);
        return header.Kind == ChunkKind.Final;
    }

    private static T Decode<T>(ReadOnlySpan<byte> message)
        where T : IUaStructure<T>
    {
        var reader = new UaReader(message, EncodingLimits.Default);
        var type = reader.NodeId();
        if (type.Is(ServiceFault.BinaryEncodingId))
        {
            var fault = ServiceFault.Decode(ref reader);
            var status = fault.ResponseHeader?.ServiceResult ?? default;
            throw new ClientException(reader.Status.IsGood && !status.IsGood ? status : StatusCodes.BadDecodingError);
        }

        if (!type.Is(T.BinaryEncodingId))
            throw new ClientException(StatusCodes.BadUnknownResponse);
        var response = T.Decode(ref reader);
        return reader.Status.IsGood ? response : throw new ClientException(reader.Status);
    }

    private async Task SendAsync(byte[] bytes, CancellationToken cancellationToken) =>
        await _tcp.GetStream().WriteAsync(bytes, cancellationToken).ConfigureAwait(false);

    private async Task<byte[]> ReadAsync(CancellationToken cancellationToken)
    {
        var stream = _tcp.GetStream();
        var head = new byte[ChunkHeader.Length];
        await stream.ReadExactlyAsync(head, cancellationToken).ConfigureAwait(false);
        var header = ChunkHeader.Read(head);
        if (header.Size is < LeastErrorBytes or > StateGuard.MaxChunkBytes)
            throw new ClientException(StatusCodes.BadTcpMessageTooLarge);
        var chunk = new byte[header.Size];
        head.CopyTo(chunk, 0);
        await stream.ReadExactlyAsync(chunk.AsMemory(ChunkHeader.Length), cancellationToken).ConfigureAwait(false);
        return header.Type == MessageType.Error ? throw new ClientException(ReadError(chunk.AsSpan(ChunkHeader.Length))) : chunk;
    }

    // Only the code: the words are a stranger's.
    private static StatusCode ReadError(ReadOnlySpan<byte> body)
    {
        var status = body.Length >= sizeof(uint) ? new StatusCode(BinaryPrimitives.ReadUInt32LittleEndian(body)) : default;
        return status.IsGood ? StatusCodes.BadCommunicationError : status;
    }
}
