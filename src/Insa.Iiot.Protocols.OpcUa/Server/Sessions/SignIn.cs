using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Diagnostics;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Pki;
using Insa.Iiot.Protocols.OpcUa.SecureChannel;
using Insa.Iiot.Protocols.OpcUa.Security;
using Insa.Iiot.Protocols.OpcUa.Types;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Protocols.OpcUa.Server.Sessions;

/// <summary>Finds out who signs in to a session (Part 4 §7.40). Thread-safe.</summary>
internal sealed class SignIn(
    ServerIdentity server,
    EndpointTable endpoints,
    ClientCertificates certificates,
    KeyWork keyWork,
    IOptions<OpcUaServerOptions> options,
    TimeProvider time,
    ILogger<SignIn> logger,
    IDeviceAuthenticator? devices = null,
    IUserAuthenticator? users = null
)
{
    private const int MaxNameLength = 320;
    private const int MaxPasswordBytes = 1024;

    private readonly OpcUaServerOptions _options = options.Value;
    private readonly SignInGuard _guard = new(options.Value.MaxWrongSignIns, options.Value.LockoutDuration, time);

    /// <returns>Who it is; or <see langword="null"/> and why not.</returns>
    public async ValueTask<(SessionIdentity? Identity, StatusCode Status)> AuthenticateAsync(
        ChannelSecurity channel,
        UaSession session,
        ExtensionObject token,
        SignatureData? signature,
        CancellationToken cancellationToken
    )
    {
        try
        {
            if (token.TypeId.IsNull || token.TypeId.AsView().Is(AnonymousIdentityToken.BinaryEncodingId))
                return Anonymous();
            if (token.TypeId.AsView().Is(UserNameIdentityToken.BinaryEncodingId))
                return await ByPasswordAsync(channel, session, Decode<UserNameIdentityToken>(token), cancellationToken)
                    .ConfigureAwait(false);
            if (token.TypeId.AsView().Is(X509IdentityToken.BinaryEncodingId))
                return await ByCertificateAsync(channel, session, Decode<X509IdentityToken>(token), signature, cancellationToken)
                    .ConfigureAwait(false);
            return (null, StatusCodes.BadIdentityTokenInvalid);
        }
        catch (TelemetryStoreException e)
        {
            logger.AuthenticatorUnavailable(e);
            return (null, StatusCodes.BadServerTooBusy);
        }
    }

    /// <summary>The tenant that somebody says they belong to, whether or not they do.</summary>
    public static TenantId? FindClaimedTenant(ExtensionObject token)
    {
        if (!token.TypeId.AsView().Is(UserNameIdentityToken.BinaryEncodingId))
            return null;
        var name = Decode<UserNameIdentityToken>(token)?.UserName ?? "";
        return TenantId.TryParse(name[(name.LastIndexOf('@') + 1)..], out var tenant) ? tenant : null;
    }

    private static T? Decode<T>(ExtensionObject token)
        where T : class, IUaStructure<T>
    {
        if (token.Encoding != ExtensionObjectBody.Binary)
            return null;
        var reader = new UaReader(token.Bytes, EncodingLimits.Default);
        var decoded = T.Decode(ref reader);
        return reader.Status.IsGood ? decoded : null;
    }

    private (SessionIdentity?, StatusCode) Anonymous() =>
        _options.AnonymousTenant is { } tenant ? (SessionIdentity.Anonymous(tenant), default) : (null, StatusCodes.BadIdentityTokenInvalid);

    private async ValueTask<(SessionIdentity?, StatusCode)> ByPasswordAsync(
        ChannelSecurity channel,
        UaSession session,
        UserNameIdentityToken? token,
        CancellationToken cancellationToken
    )
    {
        if (
            token is not { UserName: { Length: > 0 and <= MaxNameLength } name, Password: { } secret }
            || endpoints.FindToken(channel, token.PolicyId) is not { Kind: UserTokenType.UserName } policy
            || token.EncryptionAlgorithm != policy.Security.EncryptionUri
        )
            return (null, StatusCodes.BadIdentityTokenInvalid);

        var place = PlaceOf(channel);
        if (_guard.IsLocked(name, place))
            return (null, StatusCodes.BadUserAccessDenied);
        if (!await keyWork.TryEnterAsync(cancellationToken).ConfigureAwait(false))
            return (null, StatusCodes.BadServerTooBusy);
        bool opened;
        byte[] password;
        try
        {
            opened = UserTokenSecret.TryDecrypt(server.Certificate.Key, policy.Security, secret, session.ServerNonce, out password);
        }
        finally
        {
            keyWork.Leave();
        }

        // A secret that does not open is a wrong password like any other.
        var identity =
            opened && password.Length <= MaxPasswordBytes ? await FindAsync(name, password, cancellationToken).ConfigureAwait(false) : null;
        CryptographicOperations.ZeroMemory(password);
        return Count(identity, name, place);
    }

    private (SessionIdentity?, StatusCode) Count(SessionIdentity? identity, string name, string place)
    {
        if (identity is null)
        {
            _guard.Wrong(name, place);
            return (null, StatusCodes.BadIdentityTokenRejected);
        }

        _guard.Right(name, place);
        if (identity.User is not null && !Array.Exists(SessionPermissions.All, identity.May))
            return (null, StatusCodes.BadUserAccessDenied);
        return (identity, default);
    }

    private async ValueTask<SessionIdentity?> FindAsync(string name, byte[] password, CancellationToken cancellationToken)
    {
        if (devices is not null && DeviceCredential.TrySplitUserName(name, out _, out _))
        {
            var device = await devices
                .AuthenticateAsync(DeviceCredential.FromPassword(name, password), cancellationToken)
                .ConfigureAwait(false);
            if (device is not null)
                return SessionIdentity.Of(device.Over("opcua"));
        }

        var user = users is null ? null : await users.AuthenticateAsync(name, password, cancellationToken).ConfigureAwait(false);
        return user is null ? null : SessionIdentity.Of(user);
    }

    private async ValueTask<(SessionIdentity?, StatusCode)> ByCertificateAsync(
        ChannelSecurity channel,
        UaSession session,
        X509IdentityToken? token,
        SignatureData? signature,
        CancellationToken cancellationToken
    )
    {
        if (
            token?.CertificateData is not { } data
            || endpoints.FindToken(channel, token.PolicyId) is not { Kind: UserTokenType.Certificate } policy
            || !CertificateChain.TryRead(data, out var shown)
        )
            return (null, StatusCodes.BadIdentityTokenInvalid);
        using (shown)
        {
            using var key = shown.Leaf.GetRSAPublicKey();
            if (key is null or { KeySize: < SecurityPolicy.MinKeyBits or > SecurityPolicy.MaxKeyBits })
                return (null, StatusCodes.BadIdentityTokenInvalid);
            if (
                signature?.Algorithm != policy.Security.SignatureUri
                || signature.Signature is not { } bytes
                || !ProofOfPossession.Verify(key, policy.Security, server.Certificate.Der, session.ServerNonce, bytes)
            )
                return (null, StatusCodes.BadUserSignatureInvalid);

            var place = PlaceOf(channel);
            if (_guard.IsLocked(shown.Leaf.Thumbprint, place))
                return (null, StatusCodes.BadUserAccessDenied);
            return Count(await FindAsync(shown, cancellationToken).ConfigureAwait(false), shown.Leaf.Thumbprint, place);
        }
    }

    private async ValueTask<SessionIdentity?> FindAsync(CertificateChain shown, CancellationToken cancellationToken)
    {
        if (devices is not null)
        {
            var credential = DeviceCredential.FromClientCertificate(shown.Leaf);
            if (await devices.AuthenticateAsync(credential, cancellationToken).ConfigureAwait(false) is { } device)
                return SessionIdentity.Of(device.Over("opcua"));
        }

        // A user's certificate says who they are by their address, and is trusted by the folder of users.
        if (users is null || !certificates.IsTrustedUser(shown))
            return null;
        var name = CertificateNames.FindEmail(shown.Leaf) ?? CertificateNames.FindCommonName(shown.Leaf);
        var user = string.IsNullOrEmpty(name) ? null : await users.FindAsync(name, cancellationToken).ConfigureAwait(false);
        return user is null ? null : SessionIdentity.Of(user);
    }

    // Who guesses from elsewhere does not lock out who signs in from here.
    private static string PlaceOf(ChannelSecurity channel) =>
        channel.ClientCertificate.Length > 0 ? Convert.ToHexString(SHA256.HashData(channel.ClientCertificate)) : channel.Address;
}
