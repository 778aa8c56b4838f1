using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.SecureChannel;
using Insa.Iiot.Protocols.OpcUa.Security;
using Insa.Iiot.Protocols.OpcUa.Transport;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Tests;

/// <summary>A client's end of a connection, which does as it is told, also what no client should.</summary>
internal sealed class TestChannel : IAsyncDisposable
{
    private readonly TcpClient _tcp = new() { NoDelay = true };
    private readonly SecurityPolicy _policy;
    private readonly MessageSecurityMode _mode;
    private readonly X509Certificate2? _certificate;
    private readonly byte[]? _serverCertificate;
    private readonly Dictionary<uint, SymmetricKeys?> _receiving = [];
    private readonly Dictionary<uint, SymmetricKeys?> _sending = [];
    private NetworkStream _stream = null!;

    public TestChannel(
        SecurityPolicy? policy = null,
        MessageSecurityMode mode = MessageSecurityMode.None,
        X509Certificate2? certificate = null,
        byte[]? serverCertificate = null
    )
    {
        (_policy, _mode, _certificate, _serverCertificate) = (policy ?? SecurityPolicy.None, mode, certificate, serverCertificate);
    }

    public SecurityPolicy Policy => _policy;

    public X509Certificate2? Certificate => _certificate;

    public byte[]? ServerCertificate => _serverCertificate;

    public uint ChannelId { get; set; }

    public uint TokenId { get; set; }

    public uint Sequence { get; set; }

    public uint RequestId { get; set; } = 1;

    /// <summary>How many chunks the last message had.</summary>
    public int Chunks { get; private set; }

    /// <summary>What the last token may live.</summary>
    public uint Lifetime { get; private set; }

    /// <summary>The session's token, put into requests.</summary>
    public NodeId SessionToken { get; set; }

    /// <summary>The session's id, where a test keeps it.</summary>
    public NodeId SessionId { get; set; }

    public static async Task<TestChannel> OpenAsync(
        OpcUaHost host,
        SecurityPolicy? policy = null,
        MessageSecurityMode mode = MessageSecurityMode.None,
        X509Certificate2? certificate = null,
        uint lifetime = 3_600_000,
        uint receiveBytes = 65536,
        uint maxChunks = 0
    )
    {
        var isSecured = mode != MessageSecurityMode.None;
        var channel = new TestChannel(
            policy,
            mode,
            isSecured ? certificate ?? OpcUaHost.ClientCertificate : null,
            isSecured ? host.Certificate.Der : null
        );
        try
        {
            await channel.ConnectAsync(host.Endpoint);
            await channel.HelloAsync(host.Url, receiveBytes, maxChunks: maxChunks);
            await channel.OpenAsync(lifetime: lifetime);
            return channel;
        }
        catch
        {
            await channel.DisposeAsync();
            throw;
        }
    }

    public async Task ConnectAsync(IPEndPoint endpoint)
    {
        await _tcp.ConnectAsync(endpoint);
        _stream = _tcp.GetStream();
    }

    public async Task<byte[]> HelloAsync(
        string url = "opc.tcp://localhost",
        uint receiveBytes = 65536,
        uint sendBytes = 65536,
        uint maxMessage = 0,
        uint maxChunks = 0
    )
    {
        await SendRawAsync(
            Frame(
                "HELF",
                (ref UaWriter w) =>
                {
                    w.UInt32(0);
                    w.UInt32(receiveBytes);
                    w.UInt32(sendBytes);
                    w.UInt32(maxMessage);
                    w.UInt32(maxChunks);
                    w.String(url);
                }
            )
        );
        return await ReadFrameAsync("ACK");
    }

    public async Task OpenAsync(
        SecurityTokenRequestType type = SecurityTokenRequestType.Issue,
        uint lifetime = 3_600_000,
        byte[]? nonce = null,
        MessageSecurityMode? mode = null
    )
    {
        nonce ??= _policy.IsNone ? null : RandomNumberGenerator.GetBytes(32);
        await SendRawAsync(OpenChunkOf(type, lifetime, nonce, mode));
        await ReadOpenAsync(nonce);
    }

    public byte[] OpenChunkOf(
        SecurityTokenRequestType type = SecurityTokenRequestType.Issue,
        uint lifetime = 3_600_000,
        byte[]? nonce = null,
        MessageSecurityMode? mode = null
    )
    {
        var body = Encode(
            new OpenSecureChannelRequest
            {
                RequestHeader = new RequestHeader(),
                RequestType = type,
                SecurityMode = mode ?? _mode,
                ClientNonce = nonce,
                RequestedLifetime = lifetime,
            }
        );
        using var serverKey = ServerKey();
        using var key = _certificate?.GetRSAPrivateKey();
        var thumbprint = _serverCertificate is null ? null : SHA1Of(_serverCertificate);
        return OpenChunk.Make(_policy, key, _certificate?.RawData, serverKey, thumbprint, ChannelId, ++Sequence, RequestId++, body);
    }

    public async Task ReadOpenAsync(byte[]? nonce)
    {
        var chunk = await ReadFrameAsync("OPN");
        Assert.True(OpenChunk.TryReadHeader(chunk, out var header));
        var headerLength = header.Length;
        var bodyLength = chunk.Length - headerLength - 8;
        using (var serverKey = ServerKey())
        using (var key = _certificate?.GetRSAPrivateKey())
        {
            if (key is not null)
                Assert.True(OpenChunk.TryOpen(_policy, key, serverKey!, chunk, headerLength, out bodyLength));
        }

        var reader = new UaReader(chunk.AsSpan(headerLength + 8, bodyLength), EncodingLimits.Default);
        Assert.Equal(OpenSecureChannelResponse.BinaryEncodingId, reader.NodeId().Numeric);
        var response = OpenSecureChannelResponse.Decode(ref reader);
        Assert.True(reader.Status.IsGood);
        (ChannelId, TokenId) = (response.SecurityToken!.ChannelId, response.SecurityToken.TokenId);
        Lifetime = response.SecurityToken.RevisedLifetime;
        _sending[TokenId] = null;
        _receiving[TokenId] = null;
        if (_policy.IsNone)
            return;
        var encrypts = _mode == MessageSecurityMode.SignAndEncrypt;
        _sending[TokenId] = SymmetricKeys.Derive(_policy, response.ServerNonce, nonce, encrypts ? CipherUse.Encrypt : CipherUse.None);
        _receiving[TokenId] = SymmetricKeys.Derive(_policy, nonce, response.ServerNonce, encrypts ? CipherUse.Decrypt : CipherUse.None);
    }

    /// <summary>Sends a request and reads its answer, which is expected to be of a type.</summary>
    public async Task<TResponse> CallAsync<TResponse>(IUaEncodable request)
        where TResponse : IUaStructure<TResponse>
    {
        await SendAsync(request);
        return Decode<TResponse>(await ReadMessageAsync());
    }

    public async Task<StatusCode> FaultAsync(IUaEncodable request) =>
        (await CallAsync<ServiceFault>(request)).ResponseHeader!.ServiceResult;

    public static TResponse Decode<TResponse>(byte[] message)
        where TResponse : IUaStructure<TResponse>
    {
        var reader = new UaReader(message, EncodingLimits.Default);
        var type = reader.NodeId().Numeric;
        if (type == ServiceFault.BinaryEncodingId && type != TResponse.BinaryEncodingId)
            Assert.Fail($"A fault instead of a response: {ServiceFault.Decode(ref reader).ResponseHeader!.ServiceResult}.");
        Assert.Equal(TResponse.BinaryEncodingId, type);
        var response = TResponse.Decode(ref reader);
        Assert.True(reader.Status.IsGood);
        return response;
    }

    public Task SendAsync(IUaEncodable request) => SendRawAsync(Chunk(Encode(request)));

    /// <summary>The header of a request in the session.</summary>
    public RequestHeader Header(uint handle = 1, uint timeout = 0) =>
        new()
        {
            AuthenticationToken = SessionToken,
            RequestHandle = handle,
            TimeoutHint = timeout,
        };

    public static byte[] Encode(IUaEncodable request)
    {
        using var output = new PooledOutput();
        var writer = new UaWriter(output);
        writer.NodeId(request.EncodingId);
        request.Encode(ref writer);
        writer.Flush();
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Makes a chunk, secured as the channel is.</summary>
    public byte[] Chunk(byte[] body, string type = "MSGF", uint? requestId = null, uint? tokenId = null)
    {
        var keys = _sending.GetValueOrDefault(tokenId ?? TokenId);
        var padding = Array.Empty<byte>();
        if (keys is { Encrypts: true })
        {
            var count = (16 - (8 + body.Length + 32 + 1) % 16) % 16;
            padding = [.. Enumerable.Repeat((byte)count, count + 1)];
        }

        var size = 24 + body.Length + padding.Length + (keys is null ? 0 : 32);
        var chunk = new byte[size];
        System.Text.Encoding.ASCII.GetBytes(type).CopyTo(chunk, 0);
        BinaryPrimitives.WriteInt32LittleEndian(chunk.AsSpan(4), size);
        BinaryPrimitives.WriteUInt32LittleEndian(chunk.AsSpan(8), ChannelId);
        BinaryPrimitives.WriteUInt32LittleEndian(chunk.AsSpan(12), tokenId ?? TokenId);
        BinaryPrimitives.WriteUInt32LittleEndian(chunk.AsSpan(16), ++Sequence);
        BinaryPrimitives.WriteUInt32LittleEndian(chunk.AsSpan(20), requestId ?? RequestId++);
        body.CopyTo(chunk, 24);
        padding.CopyTo(chunk, 24 + body.Length);
        if (keys is null)
            return chunk;
        keys.Sign(chunk.AsSpan(0, size - 32), chunk.AsSpan(size - 32));
        if (keys.Encrypts)
            keys.Transform(chunk, 16, size - 16);
        return chunk;
    }

    public async Task SendRawAsync(byte[] bytes) => await _stream.WriteAsync(bytes);

    /// <summary>Reads a message, whatever chunks it comes in.</summary>
    public async Task<byte[]> ReadMessageAsync()
    {
        var message = new List<byte>();
        Chunks = 0;
        while (true)
        {
            var chunk = await ReadFrameAsync("MSG");
            Assert.Equal(ChannelId, BinaryPrimitives.ReadUInt32LittleEndian(chunk.AsSpan(8)));
            var token = new SecurityToken(
                0,
                0,
                TimeSpan.FromDays(1),
                _receiving[BinaryPrimitives.ReadUInt32LittleEndian(chunk.AsSpan(12))],
                null
            );
            Assert.True(ServerChannel.TryOpen(token, chunk, chunk.Length, out var length), "The chunk does not open.");
            LastTokenSeen = BinaryPrimitives.ReadUInt32LittleEndian(chunk.AsSpan(12));
            LastSequenceSeen = BinaryPrimitives.ReadUInt32LittleEndian(chunk.AsSpan(16));
            Chunks++;
            if (chunk[3] == 'A')
                throw new InvalidDataException($"Aborted with 0x{BinaryPrimitives.ReadUInt32LittleEndian(chunk.AsSpan(24)):X8}.");
            message.AddRange(chunk.AsSpan(24, length));
            if (chunk[3] == 'F')
                return [.. message];
        }
    }

    public uint LastTokenSeen { get; private set; }

    public uint LastSequenceSeen { get; private set; }

    /// <summary>Reads an error, after which the connection is closed.</summary>
    public async Task<StatusCode> ReadErrorAsync()
    {
        var frame = await ReadFrameAsync("ERR");
        Assert.Equal(0, await _stream.ReadAsync(new byte[1]).AsTask().WaitAsync(TimeSpan.FromSeconds(30)));
        return new StatusCode(BinaryPrimitives.ReadUInt32LittleEndian(frame.AsSpan(8)));
    }

    /// <summary>Reads until the connection is closed.</summary>
    public async Task ReadToEndAsync()
    {
        var buffer = new byte[4096];
        try
        {
            while (await _stream.ReadAsync(buffer).AsTask().WaitAsync(TimeSpan.FromSeconds(30)) > 0)
            {
                // What it still says is of no interest.
            }
        }
        catch (IOException)
        {
            // Closed the hard way.
        }
    }

    public async Task<byte[]> ReadFrameAsync(string expected)
    {
        var head = new byte[8];
        await _stream.ReadExactlyAsync(head).AsTask().WaitAsync(TimeSpan.FromSeconds(30));
        var size = BinaryPrimitives.ReadInt32LittleEndian(head.AsSpan(4));
        var frame = new byte[size];
        head.CopyTo(frame, 0);
        await _stream.ReadExactlyAsync(frame.AsMemory(8)).AsTask().WaitAsync(TimeSpan.FromSeconds(30));
        var type = System.Text.Encoding.ASCII.GetString(head, 0, 3);
        if (type == "ERR" && expected != "ERR")
            throw new RefusedException(new StatusCode(BinaryPrimitives.ReadUInt32LittleEndian(frame.AsSpan(8))));
        Assert.Equal(expected, type);
        return frame;
    }

    public static byte[] Frame(string type, WriteBody write)
    {
        using var output = new PooledOutput();
        var writer = new UaWriter(output);
        writer.Bytes(System.Text.Encoding.ASCII.GetBytes(type));
        writer.UInt32(0);
        write(ref writer);
        writer.Flush();
        output.Patch(4, output.Length);
        return output.WrittenSpan.ToArray();
    }

    public ValueTask DisposeAsync()
    {
        _tcp.Dispose();
        return ValueTask.CompletedTask;
    }

    private RSA? ServerKey() =>
        _serverCertificate is null ? null : X509CertificateLoader.LoadCertificate(_serverCertificate).GetRSAPublicKey();

    private static byte[] SHA1Of(byte[] certificate) => X509CertificateLoader.LoadCertificate(certificate).GetCertHash();

    internal delegate void WriteBody(ref UaWriter writer);

    internal sealed class RefusedException(StatusCode status) : Exception($"The server refused: {status}.")
    {
        public StatusCode Status { get; } = status;
    }
}
