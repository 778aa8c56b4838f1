using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Diagnostics;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Pki;
using Insa.Iiot.Protocols.OpcUa.SecureChannel;
using Insa.Iiot.Protocols.OpcUa.Security;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Types;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Protocols.OpcUa.Server.Services;

/// <summary>Makes, activates and closes sessions (Part 4 §5.7).</summary>
internal sealed class SessionServices(
    Lazy<SessionTable> table,
    SignIn signIn,
    EndpointTable endpoints,
    ServerIdentity server,
    KeyWork keyWork,
    OpcUaMetrics metrics,
    SessionCounts counts,
    IOptions<OpcUaServerOptions> options,
    TimeProvider time,
    ILogger<SessionServices> logger
) : IServiceModule
{
    private const int NonceBytes = 32;
    private const int MaxNonceBytes = 128;
    private const int MaxLocales = 16;

    // A client that takes less could not even be told so.
    private const uint LeastResponseBytes = 1024;

    private static readonly TimeSpan MinTimeout = TimeSpan.FromSeconds(10);

    private readonly OpcUaServerOptions _options = options.Value;
    private ServiceTable? _services;

    public void Register(ServiceTable table)
    {
        _services = table;
        table.Add<CreateSessionRequest>((context, request) => context.AnswerBy(CreateAsync(context, request)), SessionRule.Own);
        table.Add<ActivateSessionRequest>((context, request) => context.AnswerBy(ActivateAsync(context, request)), SessionRule.Own);
        table.Add<CloseSessionRequest>(Close, SessionRule.Own);
        table.Add<CancelRequest>(Cancel);
    }

    private async ValueTask CreateAsync(RequestContext context, CreateSessionRequest request)
    {
        var channel = context.Channel;
        var policy = channel.Policy;
        if (CheckCreate(channel, request) is { IsGood: false } refusal)
        {
            context.Fault(refusal);
            return;
        }

        SignatureData? signature = null;
        if (!policy.IsNone)
        {
            if (!await keyWork.TryEnterAsync(context.Cancellation).ConfigureAwait(false))
            {
                context.Fault(StatusCodes.BadServerTooBusy);
                return;
            }

            try
            {
                signature = new SignatureData
                {
                    Algorithm = policy.SignatureUri,
                    Signature = ProofOfPossession.Sign(server.Certificate.Key, policy, request.ClientCertificate, request.ClientNonce),
                };
            }
            finally
            {
                keyWork.Leave();
            }
        }

        var session = table.Value.TryAdd((id, token) => Make(id, token, channel, request));
        if (session is null)
        {
            context.Fault(StatusCodes.BadTooManySessions);
            return;
        }

        context.Respond(
            new CreateSessionResponse
            {
                ResponseHeader = context.MakeHeader(),
                SessionId = session.Id,
                AuthenticationToken = session.Token,
                RevisedSessionTimeout = session.Timeout.TotalMilliseconds,
                ServerNonce = session.ServerNonce,
                // Also without security: passwords are encrypted for it.
                ServerCertificate = server.Certificate.Der,
                ServerEndpoints = endpoints.DescribeFor(channel, request.EndpointUrl),
                ServerSignature = signature ?? new SignatureData(),
                MaxRequestMessageSize = (uint)_options.MaxRequestBytes,
            }
        );
    }

    private static StatusCode CheckCreate(ChannelSecurity channel, CreateSessionRequest request)
    {
        if (channel.Policy.IsNone)
            return default;
        if (request.ClientNonce is not { Length: >= NonceBytes and <= MaxNonceBytes })
            return StatusCodes.BadNonceInvalid;
        if (channel.LastSessionNonce.AsSpan().SequenceEqual(request.ClientNonce))
            return StatusCodes.BadNonceInvalid;
        channel.LastSessionNonce = request.ClientNonce;

        // The issuers may follow it.
        if (
            request.ClientCertificate is not { Length: <= CertificateChain.MaxBytes } shown
            || !shown.AsSpan().StartsWith(channel.ClientCertificate)
        )
            return StatusCodes.BadCertificateInvalid;
        using var certificate = X509CertificateLoader.LoadCertificate(channel.ClientCertificate);
        return CertificateNames.HasApplicationUri(certificate, request.ClientDescription?.ApplicationUri ?? "")
            ? default
            : StatusCodes.BadCertificateUriInvalid;
    }

    private UaSession Make(NodeId id, NodeId token, ChannelSecurity channel, CreateSessionRequest request)
    {
        // Not a number counts as none.
        var asked = request.RequestedSessionTimeout;
        var timeout =
            !(asked > 0) || asked > _options.MaxSessionTimeout.TotalMilliseconds
                ? _options.MaxSessionTimeout
                : TimeSpan.FromMilliseconds(asked);
        return new UaSession(id, token)
        {
            Name = NameOf(request, id),
            Client = request.ClientDescription ?? new ApplicationDescription(),
            EndpointUrl = request.EndpointUrl ?? "",
            Timeout = timeout < MinTimeout ? MinTimeout : timeout,
            MaxResponseBytes = request.MaxResponseMessageSize,
            ClientCertificate = channel.ClientCertificate,
            CreatedAt = time.GetUaTicks(),
            Channel = channel,
            ServerNonce = RandomNumberGenerator.GetBytes(NonceBytes),
        };
    }

    // Part 4 §5.7.2: the server names a session that its client does not.
    private static string NameOf(CreateSessionRequest request, NodeId id)
    {
        const int longest = 256;
        if (string.IsNullOrEmpty(request.SessionName))
            return $"Session {id}";
        return request.SessionName.Length <= longest ? request.SessionName : request.SessionName[..longest];
    }

    private async ValueTask ActivateAsync(RequestContext context, ActivateSessionRequest request)
    {
        if (context.Session is not { } session)
        {
            context.Fault(StatusCodes.BadSessionIdInvalid);
            return;
        }

        // One at a time: the nonce is for one alone.
        if (!session.TryBeginActivation())
        {
            context.Fault(StatusCodes.BadTooManyOperations);
            return;
        }

        StatusCode status;
        try
        {
            status = await TryActivateAsync(context, session, request).ConfigureAwait(false);
        }
        finally
        {
            session.EndActivation();
        }

        metrics.SignedIn(status);
        if (!status.IsGood)
        {
            if ((session.Identity?.Tenant ?? SignIn.FindClaimedTenant(request.UserIdentityToken)) is { } tenant)
                counts.Rejected(tenant, SecurityStatus.Is(status));
            context.Fault(status);
            return;
        }

        context.Respond(
            new ActivateSessionResponse
            {
                ResponseHeader = context.MakeHeader(),
                ServerNonce = session.ServerNonce,
                Results = [],
                DiagnosticInfos = [],
            }
        );
    }

    private async ValueTask<StatusCode> TryActivateAsync(RequestContext context, UaSession session, ActivateSessionRequest request)
    {
        var channel = context.Channel;
        if (CheckChannel(session, channel) is { IsGood: false } refusal)
            return refusal;
        if (!IsClient(session, channel, request.ClientSignature))
            return StatusCodes.BadApplicationSignatureInvalid;
        var (identity, status) = await signIn
            .AuthenticateAsync(channel, session, request.UserIdentityToken, request.UserTokenSignature, context.Cancellation)
            .ConfigureAwait(false);
        if (identity is null)
            return status;
        if (session.Identity is { } before && !MayBecome(session, channel, before, identity))
            return StatusCodes.BadIdentityChangeNotSupported;
        if (!session.IsActivated && !table.Value.HasRoomFor(identity.Tenant))
            return StatusCodes.BadTooManySessions;
        if (!session.IsActivated)
        {
            status = await _services!.SessionOpeningAsync(session, identity.Tenant, context.Cancellation).ConfigureAwait(false);
            if (!status.IsGood)
                return status;
        }

        session.ServerNonce = RandomNumberGenerator.GetBytes(NonceBytes);
        session.Locales = [.. (request.LocaleIds ?? []).OfType<string>().Take(MaxLocales)];
        session.LastUsedAt = time.GetTimestamp();
        var isAnothers = session.IsActivated;
        session.SignIn(identity);
        if (isAnothers)
            _services!.UserChanged(session);
        SessionTable.Bind(session, channel);
        channel.IsSignedIn = true;
        channel.MaxResponseBytes = session.MaxResponseBytes == 0 ? 0 : Math.Max(session.MaxResponseBytes, LeastResponseBytes);

        // It may have been closed meanwhile; then nobody is to find it open.
        if (session.IsClosed)
            return StatusCodes.BadSessionClosed;
        logger.SignedIn(session.Id.ToString(), identity.Tenant, identity.Kind);
        return default;
    }

    // Part 4 §5.7.3: first on the channel that has made it, then on any other of the same client.
    private static StatusCode CheckChannel(UaSession session, ChannelSecurity channel)
    {
        if (ReferenceEquals(session.Channel, channel))
            return default;
        var isSameClient =
            session.IsActivated
            && session.Channel.Policy == channel.Policy
            && session.Channel.Mode == channel.Mode
            && session.ClientCertificate.AsSpan().SequenceEqual(channel.ClientCertificate);
        return isSameClient ? default : StatusCodes.BadSecureChannelIdInvalid;
    }

    private static bool MayBecome(UaSession session, ChannelSecurity channel, SessionIdentity before, SessionIdentity identity) =>
        ReferenceEquals(session.Channel, channel) ? before.Tenant == identity.Tenant : before.IsSameAs(identity);

    private bool IsClient(UaSession session, ChannelSecurity channel, SignatureData? signature)
    {
        if (channel.Policy.IsNone)
            return true;
        if (signature?.Algorithm != channel.Policy.SignatureUri || signature.Signature is not { } bytes)
            return false;
        using var certificate = X509CertificateLoader.LoadCertificate(channel.ClientCertificate);
        using var key = certificate.GetRSAPublicKey();
        return key is not null && ProofOfPossession.Verify(key, channel.Policy, server.Certificate.Der, session.ServerNonce, bytes);
    }

    private void Close(RequestContext context, CloseSessionRequest request)
    {
        if (context.Session is not { } session)
            context.Fault(StatusCodes.BadSessionIdInvalid);
        else if (!ReferenceEquals(session.Channel, context.Channel))
            context.Fault(StatusCodes.BadSecureChannelIdInvalid);
        else if (!table.Value.Close(session, request.DeleteSubscriptions, SessionTable.ClosedByClient))
            context.Fault(StatusCodes.BadSessionClosed);
        else
            context.Respond(new CloseSessionResponse { ResponseHeader = context.MakeHeader() });
    }

    private static void Cancel(RequestContext context, CancelRequest request) =>
        context.Respond(
            new CancelResponse
            {
                ResponseHeader = context.MakeHeader(),
                CancelCount = (uint)context.CancelRequests(context.ActiveSession, request.RequestHandle),
            }
        );
}
