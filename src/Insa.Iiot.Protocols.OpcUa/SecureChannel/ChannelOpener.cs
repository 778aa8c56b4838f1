using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Pki;
using Insa.Iiot.Protocols.OpcUa.Security;
using Insa.Iiot.Protocols.OpcUa.Server;
using Insa.Iiot.Protocols.OpcUa.Transport;
using Insa.Iiot.Protocols.OpcUa.Types;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Protocols.OpcUa.SecureChannel;

/// <summary>Opens secure channels and renews their tokens (Part 4 §5.6.2). Thread-safe.</summary>
internal sealed class ChannelOpener(
    ServerIdentity server,
    EndpointTable endpoints,
    ClientCertificates certificates,
    KeyWork keyWork,
    IOptions<OpcUaServerOptions> options,
    TimeProvider time
)
{
    private static readonly TimeSpan MinLifetime = TimeSpan.FromSeconds(10);

    private readonly TimeSpan _maxLifetime = options.Value.MaxTokenLifetime;

    // Never that of a channel before a restart, which a client may still believe in.
    private uint _lastChannelId = (uint)RandomNumberGenerator.GetInt32(1, int.MaxValue / 2);

    /// <summary>Handles a chunk of OpenSecureChannel.</summary>
    /// <param name="chunk">The whole chunk, which is written to.</param>
    /// <param name="channel">The connection's channel, if it has one: then this is a renewal.</param>
    /// <param name="caller">Who calls.</param>
    /// <param name="output">Where the answer goes.</param>
    /// <param name="cancellationToken">Cancelled when the connection ends.</param>
    /// <returns>The channel; or why the connection has to end.</returns>
    public async ValueTask<(ServerChannel? Channel, StatusCode Status)> OpenAsync(
        byte[] chunk,
        ServerChannel? channel,
        Caller caller,
        ConnectionOutput output,
        CancellationToken cancellationToken
    )
    {
        // What is cheap comes first, and nothing is computed for who is not trusted.
        if (Check(chunk, channel, out var policy, out var chain, out var headerLength) is { IsGood: false } refusal)
            return (null, refusal);
        using var shown = chain;
        if (shown is null)
            return Open(new Request(policy, null, [], chunk, headerLength), channel, caller, output);
        if (certificates.CheckApplication(shown) is { IsGood: false } distrust)
            return (null, distrust);
        if (!await keyWork.TryEnterAsync(cancellationToken).ConfigureAwait(false))
            return (null, StatusCodes.BadTcpServerTooBusy);
        try
        {
            return Open(new Request(policy, shown.Leaf, shown.Leaf.RawData, chunk, headerLength), channel, caller, output);
        }
        finally
        {
            keyWork.Leave();
        }
    }

    private StatusCode Check(
        ReadOnlySpan<byte> chunk,
        ServerChannel? channel,
        out SecurityPolicy policy,
        out CertificateChain? chain,
        out int headerLength
    )
    {
        (policy, chain, headerLength) = (SecurityPolicy.None, null, 0);
        if (!OpenChunk.TryReadHeader(chunk, out var header))
            return StatusCodes.BadSecurityChecksFailed;
        headerLength = header.Length;
        if (header.ChannelId != (channel?.Id ?? 0))
            return StatusCodes.BadTcpSecureChannelUnknown;
        if (!SecurityPolicy.TryFind(header.PolicyUri, out var found) || !found.IsNone && !server.Policies.Contains(found))
            return StatusCodes.BadSecurityPolicyRejected;
        policy = found;
        if (channel is not null && channel.Security.Policy != policy)
            return StatusCodes.BadSecurityChecksFailed;
        if (policy.IsNone)
            return default;
        if (!OpenChunk.IsThumbprint(header.Thumbprint, server.Certificate.Sha1Thumbprint))
            return StatusCodes.BadCertificateInvalid;
        if (!CertificateChain.TryRead(header.Certificate, out chain))
            return StatusCodes.BadCertificateInvalid;

        // A renewal is by who has opened the channel.
        return channel is null || channel.Security.ClientCertificate.AsSpan().SequenceEqual(chain.Leaf.RawDataMemory.Span)
            ? default
            : StatusCodes.BadSecurityChecksFailed;
    }

    private (ServerChannel? Channel, StatusCode Status) Open(
        in Request received,
        ServerChannel? channel,
        Caller caller,
        ConnectionOutput output
    )
    {
        using var clientKey = received.Certificate?.GetRSAPublicKey();
        var (policy, headerLength) = (received.Policy, received.HeaderLength);
        var chunk = received.Chunk.AsSpan();
        var bodyLength = chunk.Length - headerLength - ChunkHeader.SequenceLength;
        if (
            !policy.IsNone
            && (clientKey is null || !OpenChunk.TryOpen(policy, server.Certificate.Key, clientKey, chunk, headerLength, out bodyLength))
        )
            return (null, StatusCodes.BadSecurityChecksFailed);

        var (sequence, requestId) = OpenChunk.ReadSequenceHeader(chunk[headerLength..]);
        var reader = new UaReader(chunk.Slice(headerLength + ChunkHeader.SequenceLength, bodyLength), EncodingLimits.Default);
        if (!reader.NodeId().Is(OpenSecureChannelRequest.BinaryEncodingId))
            return (null, StatusCodes.BadTcpMessageTypeInvalid);
        var request = OpenSecureChannelRequest.Decode(ref reader);
        if (!reader.Status.IsGood)
            return (null, reader.Status);
        if (CheckRequest(request, policy, channel) is { IsGood: false } refusal)
            return (null, refusal);

        channel ??= new ServerChannel(
            new ChannelSecurity(NextChannelId(), policy, request.SecurityMode, received.ClientCertificate, caller),
            time
        );
        if (!channel.TryTakeSequenceNumber(sequence))
            return (null, StatusCodes.BadSecurityChecksFailed);
        using var body = new PooledOutput();
        var token = Issue(channel, request, body);
        Send(channel, token, output, requestId, body.WrittenSpan, clientKey, received.Certificate);
        return (channel, default);
    }

    private StatusCode CheckRequest(OpenSecureChannelRequest request, SecurityPolicy policy, ServerChannel? channel)
    {
        var type = channel is null ? SecurityTokenRequestType.Issue : SecurityTokenRequestType.Renew;
        if (request.RequestType != type)
            return StatusCodes.BadRequestTypeInvalid;
        var isMode = request.SecurityMode switch
        {
            MessageSecurityMode.None => policy.IsNone,
            MessageSecurityMode.Sign => !policy.IsNone && endpoints.AllowsSignOnly,
            MessageSecurityMode.SignAndEncrypt => !policy.IsNone,
            _ => false,
        };
        if (!isMode || channel is not null && channel.Security.Mode != request.SecurityMode)
            return StatusCodes.BadSecurityModeRejected;
        if (policy.IsNone)
            return default;
        if (
            request.ClientNonce?.Length != SecurityPolicy.NonceBytes
            || channel?.LastClientNonce.AsSpan().SequenceEqual(request.ClientNonce) == true
        )
            return StatusCodes.BadNonceInvalid;
        return default;
    }

    private SecurityToken Issue(ServerChannel channel, OpenSecureChannelRequest request, PooledOutput body)
    {
        var policy = channel.Security.Policy;
        var lifetime = TimeSpan.FromMilliseconds(request.RequestedLifetime == 0 ? uint.MaxValue : request.RequestedLifetime);
        lifetime = lifetime > _maxLifetime ? _maxLifetime : lifetime;
        lifetime = lifetime < MinLifetime ? MinLifetime : lifetime;

        var serverNonce = policy.IsNone ? null : RandomNumberGenerator.GetBytes(SecurityPolicy.NonceBytes);
        SymmetricKeys? receiving = null;
        SymmetricKeys? sending = null;
        if (serverNonce is not null)
        {
            var encrypts = channel.Encrypts;
            receiving = SymmetricKeys.Derive(policy, serverNonce, request.ClientNonce, encrypts ? CipherUse.Decrypt : CipherUse.None);
            sending = SymmetricKeys.Derive(policy, request.ClientNonce, serverNonce, encrypts ? CipherUse.Encrypt : CipherUse.None);
            channel.LastClientNonce = request.ClientNonce ?? [];
        }

        var token = new SecurityToken(channel.NextTokenId(), time.GetTimestamp(), lifetime, receiving, sending);
        var response = new OpenSecureChannelResponse
        {
            ResponseHeader = new ResponseHeader
            {
                Timestamp = time.GetUaTicks(),
                RequestHandle = request.RequestHeader?.RequestHandle ?? 0,
            },
            SecurityToken = new ChannelSecurityToken
            {
                ChannelId = channel.Id,
                TokenId = token.Id,
                CreatedAt = time.GetUaTicks(),
                RevisedLifetime = (uint)lifetime.TotalMilliseconds,
            },
            ServerNonce = serverNonce,
        };
        var writer = new UaWriter(body);
        writer.NodeId(OpenSecureChannelResponse.BinaryEncodingId);
        response.Encode(ref writer);
        writer.Flush();
        return token;
    }

    private void Send(
        ServerChannel channel,
        SecurityToken token,
        ConnectionOutput output,
        uint requestId,
        ReadOnlySpan<byte> body,
        RSA? clientKey,
        X509Certificate2? certificate
    )
    {
        var own = server.Certificate;
        var isOpen = output.Enter();
        try
        {
            var chunk = OpenChunk.Make(
                channel.Security.Policy,
                clientKey is null ? null : own.Key,
                own.Der,
                clientKey,
                certificate?.GetCertHash(),
                channel.Id,
                channel.NextSequenceNumber(),
                requestId,
                body
            );
            channel.Add(token);
            if (isOpen && output.TryReserve(chunk.Length))
            {
                chunk.CopyTo(output.Buffer.AsSpan(output.Length));
                output.Advance(chunk.Length);
            }
        }
        finally
        {
            output.Exit();
        }
    }

    private uint NextChannelId()
    {
        var id = Interlocked.Increment(ref _lastChannelId);
        return id != 0 ? id : Interlocked.Increment(ref _lastChannelId);
    }

    private readonly record struct Request(
        SecurityPolicy Policy,
        X509Certificate2? Certificate,
        byte[] ClientCertificate,
        byte[] Chunk,
        int HeaderLength
    );
}
