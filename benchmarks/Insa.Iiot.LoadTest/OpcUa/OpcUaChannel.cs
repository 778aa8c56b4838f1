using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Security;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.LoadTest.OpcUa;

/// <summary>
/// A client's secure channel on a blocking socket, for one thread: requests go out as one chunk each, responses come in as chunks and are put
/// together in place. Does what a load generator needs and no more; it never renews its token, which outlives a run.
/// </summary>
internal sealed class OpcUaChannel : IDisposable
{
    private const int BufferBytes = 65536;
    private const int MessageHeaderBytes = 8;
    private const int SymmetricHeaderBytes = 16;
    private const int SequenceHeaderBytes = 8;
    private const int BodyAt = SymmetricHeaderBytes + SequenceHeaderBytes;

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly SecurityPolicy _policy;
    private readonly RSA? _ownKey;
    private readonly byte[] _send = new byte[BufferBytes];
    private byte[] _receive = new byte[4 * BufferBytes];
    private byte[] _message = new byte[4 * BufferBytes];
    private SymmetricKeys? _sending;
    private SymmetricKeys? _receiving;
    private int _at;
    private int _end;
    private uint _channelId;
    private uint _tokenId;
    private uint _sequence;
    private uint _requestId;

    private OpcUaChannel(SecurityPolicy policy, X509Certificate2? own)
    {
        _policy = policy;
        _ownKey = own?.GetRSAPrivateKey();
    }

    /// <summary>The socket, to wait on.</summary>
    public Socket Socket => _socket;

    /// <summary>Connects and opens the channel.</summary>
    /// <param name="endpoint">Where the server listens.</param>
    /// <param name="url">The endpoint's address as the server is to hear it.</param>
    /// <param name="policy">The policy; any but None signs and encrypts.</param>
    /// <param name="own">Our certificate and key, for policies but None.</param>
    /// <param name="server">The server's certificate, for policies but None.</param>
    public static OpcUaChannel Open(IPEndPoint endpoint, string url, SecurityPolicy policy, X509Certificate2? own, X509Certificate2? server)
    {
        var channel = new OpcUaChannel(policy, own);
        try
        {
            channel._socket.ReceiveTimeout = channel._socket.SendTimeout = 60_000;
            channel._socket.Connect(endpoint);
            channel.SayHello(url);
            channel.OpenChannel(own, server);
            return channel;
        }
        catch
        {
            channel.Dispose();
            throw;
        }
    }

    /// <summary>Sends a request that is encoded already, its type id before it.</summary>
    /// <returns>The number that its response has.</returns>
    public uint Send(ReadOnlySpan<byte> body)
    {
        var requestId = ++_requestId;
        if (body.Length > BufferBytes - 256)
            throw new InvalidOperationException($"A request of {body.Length} bytes does not fit one chunk.");
        body.CopyTo(_send.AsSpan(BodyAt));
        var end = BodyAt + body.Length;
        if (_sending is not null)
        {
            // Signature and padding make whole blocks of what is encrypted (Part 6 §6.7.2).
            var padding = 15 - ((SequenceHeaderBytes + body.Length + SymmetricKeys.SignatureBytes) % 16);
            _send.AsSpan(end, padding + 1).Fill((byte)padding);
            end += padding + 1 + SymmetricKeys.SignatureBytes;
        }

        WriteHeader("MSGF"u8, end);
        BinaryPrimitives.WriteUInt32LittleEndian(_send.AsSpan(12), _tokenId);
        BinaryPrimitives.WriteUInt32LittleEndian(_send.AsSpan(16), ++_sequence);
        BinaryPrimitives.WriteUInt32LittleEndian(_send.AsSpan(20), requestId);
        if (_sending is not null)
        {
            var signed = end - SymmetricKeys.SignatureBytes;
            _sending.Sign(_send.AsSpan(0, signed), _send.AsSpan(signed, SymmetricKeys.SignatureBytes));
            _sending.Transform(_send, SymmetricHeaderBytes, end - SymmetricHeaderBytes);
        }

        SendAll(end);
        return requestId;
    }

    /// <summary>Waits for a response.</summary>
    /// <returns>Its body, the type id before it: good until the next call.</returns>
    public ReadOnlySpan<byte> Receive(out uint requestId)
    {
        var length = 0;
        while (true)
        {
            var chunk = NextChunk();
            if (!_receive.AsSpan(chunk.Start, 3).SequenceEqual("MSG"u8))
                throw new InvalidDataException(
                    "The server sent " + System.Text.Encoding.ASCII.GetString(_receive, chunk.Start, 3) + Error(chunk)
                );
            var (body, count) = OpenChunk(chunk.Start, chunk.Length);
            requestId = BinaryPrimitives.ReadUInt32LittleEndian(_receive.AsSpan(chunk.Start + 20));
            var kind = _receive[chunk.Start + 3];
            if (kind == 'A')
                throw new InvalidDataException("The server aborted a response.");
            if (kind == 'F' && length == 0)
                return _receive.AsSpan(body, count);
            if (_message.Length < length + count)
                Array.Resize(ref _message, 2 * (length + count));
            _receive.AsSpan(body, count).CopyTo(_message.AsSpan(length));
            length += count;
            if (kind == 'F')
                return _message.AsSpan(0, length);
        }
    }

    /// <summary>Asks, and waits for the answer.</summary>
    public TResponse Call<TResponse>(IUaEncodable request)
        where TResponse : IUaStructure<TResponse>
    {
        Send(Encode(request));
        var reader = new UaReader(Receive(out _), Limits);
        var type = reader.NodeId();
        if (type.Is(ServiceFault.BinaryEncodingId))
            throw new InvalidDataException($"{request.GetType().Name}: {ServiceFault.Decode(ref reader).ResponseHeader.ServiceResult}");
        var response = TResponse.Decode(ref reader);
        if (!type.Is(TResponse.BinaryEncodingId) || !reader.Status.IsGood)
            throw new InvalidDataException($"{request.GetType().Name}: the answer cannot be read.");
        return response;
    }

    /// <summary>Encodes a request with its type id.</summary>
    public static byte[] Encode(IUaEncodable request)
    {
        using var output = new PooledOutput();
        var writer = new UaWriter(output);
        writer.NodeId(request.EncodingId);
        request.Encode(ref writer);
        writer.Flush();
        return output.WrittenSpan.ToArray();
    }

    public static EncodingLimits Limits { get; } = EncodingLimits.Default with { MaxArrayLength = 1 << 20, MaxDecodedBytes = 256 << 20 };

    public void Dispose()
    {
        _socket.Dispose();
        _ownKey?.Dispose();
        _sending?.Dispose();
        _receiving?.Dispose();
    }

    private void SayHello(string url)
    {
        var at = MessageHeaderBytes;
        foreach (var number in (ReadOnlySpan<uint>)[0, BufferBytes, BufferBytes, 64 << 20, 1024])
        {
            BinaryPrimitives.WriteUInt32LittleEndian(_send.AsSpan(at), number);
            at += sizeof(uint);
        }

        BinaryPrimitives.WriteInt32LittleEndian(_send.AsSpan(at), url.Length);
        at += sizeof(int) + System.Text.Encoding.ASCII.GetBytes(url, _send.AsSpan(at + sizeof(int)));
        "HELF"u8.CopyTo(_send);
        BinaryPrimitives.WriteInt32LittleEndian(_send.AsSpan(4), at);
        SendAll(at);
        var chunk = NextChunk();
        if (!_receive.AsSpan(chunk.Start, 3).SequenceEqual("ACK"u8))
            throw new InvalidDataException("The server did not acknowledge" + Error(chunk));
    }

    private void OpenChannel(X509Certificate2? own, X509Certificate2? server)
    {
        var nonce = _policy.IsNone ? [] : RandomNumberGenerator.GetBytes(SecurityPolicy.NonceBytes);
        var request = Encode(
            new OpenSecureChannelRequest
            {
                RequestHeader = new RequestHeader { TimeoutHint = 60_000 },
                RequestType = SecurityTokenRequestType.Issue,
                SecurityMode = _policy.IsNone ? MessageSecurityMode.None : MessageSecurityMode.SignAndEncrypt,
                ClientNonce = nonce,
                RequestedLifetime = 3_600_000,
            }
        );
        using var serverKey = server?.GetRSAPublicKey();
        SendOpen(request, own, server, serverKey);
        var response = ReceiveOpen(serverKey);
        (_channelId, _tokenId) = (response.SecurityToken.ChannelId, response.SecurityToken.TokenId);
        if (_policy.IsNone)
            return;
        _sending = SymmetricKeys.Derive(_policy, response.ServerNonce!, nonce, CipherUse.Encrypt);
        _receiving = SymmetricKeys.Derive(_policy, nonce, response.ServerNonce!, CipherUse.Decrypt);
    }

    private void SendOpen(byte[] body, X509Certificate2? own, X509Certificate2? server, RSA? serverKey)
    {
        var at = Put(12, _policy.UriUtf8);
        at = Put(at, _policy.IsNone ? null : own!.RawData);
        at = Put(at, _policy.IsNone ? null : server!.GetCertHash());
        var sequenceAt = at;
        BinaryPrimitives.WriteUInt32LittleEndian(_send.AsSpan(at), ++_sequence);
        BinaryPrimitives.WriteUInt32LittleEndian(_send.AsSpan(at + 4), ++_requestId);
        body.CopyTo(_send.AsSpan(at + SequenceHeaderBytes));
        at += SequenceHeaderBytes + body.Length;
        if (_policy.IsNone)
        {
            WriteHeader("OPNF"u8, at);
            SendAll(at);
            return;
        }

        var signature = RsaBlocks.BlockBytes(_ownKey!);
        var block = RsaBlocks.PlainBlockBytes(serverKey!, _policy);
        var hasExtra = RsaBlocks.BlockBytes(serverKey!) > 256;
        var fixedBytes = at - sequenceAt + signature + (hasExtra ? 2 : 1);
        var padding = (block - (fixedBytes % block)) % block;
        _send.AsSpan(at, padding + 1).Fill((byte)padding);
        at += padding + 1;
        if (hasExtra)
            _send[at++] = (byte)(padding >> 8);
        var plain = at + signature - sequenceAt;
        WriteHeader("OPNF"u8, sequenceAt + RsaBlocks.EncryptedBytes(serverKey!, _policy, plain));
        RsaBlocks.Sign(_ownKey!, _policy, _send.AsSpan(0, at)).CopyTo(_send.AsSpan(at));
        var encrypted = new byte[RsaBlocks.EncryptedBytes(serverKey!, _policy, plain)];
        RsaBlocks.Encrypt(serverKey!, _policy, _send.AsSpan(sequenceAt, plain), encrypted);
        encrypted.CopyTo(_send.AsSpan(sequenceAt));
        SendAll(sequenceAt + encrypted.Length);
    }

    private OpenSecureChannelResponse ReceiveOpen(RSA? serverKey)
    {
        var chunk = NextChunk();
        var message = _receive.AsSpan(chunk.Start, chunk.Length);
        if (!message[..3].SequenceEqual("OPN"u8))
            throw new InvalidDataException("The server did not open a channel" + Error(chunk));
        var at = 12;
        for (var i = 0; i < 3; i++)
            at += sizeof(int) + Math.Max(0, BinaryPrimitives.ReadInt32LittleEndian(message[at..]));
        var body = message[at..];
        if (!_policy.IsNone)
        {
            if (!RsaBlocks.TryDecrypt(_ownKey!, _policy, body, out var plain))
                throw new InvalidDataException("The server's OPN cannot be decrypted.");
            var signature = RsaBlocks.BlockBytes(serverKey!);
            var signed = message[..(at + plain - signature)];
            if (!RsaBlocks.Verify(serverKey!, _policy, signed, message.Slice(at + plain - signature, signature)))
                throw new InvalidDataException("The server's OPN is not signed by its certificate.");
            body = body[..(plain - signature)];
        }

        var reader = new UaReader(body[SequenceHeaderBytes..], Limits);
        if (!reader.NodeId().Is(OpenSecureChannelResponse.BinaryEncodingId))
            throw new InvalidDataException("The server refused to open a channel.");
        return OpenSecureChannelResponse.Decode(ref reader);
    }

    private (int Body, int Count) OpenChunk(int start, int length)
    {
        var body = start + BodyAt;
        if (_receiving is null)
            return (body, length - BodyAt);
        _receiving.Transform(_receive, start + SymmetricHeaderBytes, length - SymmetricHeaderBytes);
        var signed = length - SymmetricKeys.SignatureBytes;
        if (!_receiving.Verify(_receive.AsSpan(start, signed), _receive.AsSpan(start + signed, SymmetricKeys.SignatureBytes)))
            throw new InvalidDataException("A chunk is not signed by the server.");
        return (body, signed - BodyAt - 1 - _receive[start + signed - 1]);
    }

    private void WriteHeader(ReadOnlySpan<byte> type, int size)
    {
        type.CopyTo(_send);
        BinaryPrimitives.WriteInt32LittleEndian(_send.AsSpan(4), size);
        BinaryPrimitives.WriteUInt32LittleEndian(_send.AsSpan(8), _channelId);
    }

    private int Put(int at, ReadOnlySpan<byte> bytes)
    {
        BinaryPrimitives.WriteInt32LittleEndian(_send.AsSpan(at), bytes.IsEmpty ? -1 : bytes.Length);
        bytes.CopyTo(_send.AsSpan(at + sizeof(int)));
        return at + sizeof(int) + bytes.Length;
    }

    private void SendAll(int count)
    {
        for (var sent = 0; sent < count; )
            sent += _socket.Send(_send.AsSpan(sent, count - sent));
    }

    private (int Start, int Length) NextChunk()
    {
        while (true)
        {
            var available = _end - _at;
            if (available >= MessageHeaderBytes)
            {
                var size = BinaryPrimitives.ReadInt32LittleEndian(_receive.AsSpan(_at + 4));
                if (size is < MessageHeaderBytes or > BufferBytes)
                    throw new InvalidDataException($"A chunk of {size} bytes.");
                if (available >= size)
                {
                    _at += size;
                    return (_at - size, size);
                }
            }

            if (_receive.Length - _end < BufferBytes)
            {
                _receive.AsSpan(_at, available).CopyTo(_receive);
                (_at, _end) = (0, available);
            }

            var count = _socket.Receive(_receive.AsSpan(_end));
            if (count == 0)
                throw new EndOfStreamException("The server closed the connection.");
            _end += count;
        }
    }

    private string Error((int Start, int Length) chunk) =>
        _receive.AsSpan(chunk.Start, 3).SequenceEqual("ERR"u8)
            ? ": " + new StatusCode(BinaryPrimitives.ReadUInt32LittleEndian(_receive.AsSpan(chunk.Start + MessageHeaderBytes)))
            : ".";
}
