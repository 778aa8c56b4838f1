using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Security;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Tests;

/// <summary>Signs in over a <see cref="TestChannel"/>.</summary>
internal static class TestSession
{
    /// <summary>Makes a session and signs in to it, as a device by its password if nothing else is said.</summary>
    public static async Task<CreateSessionResponse> SignInAsync(
        this TestChannel channel,
        string userName = OpcUaHost.Device,
        string password = OpcUaHost.Password,
        double timeout = 60_000
    )
    {
        var created = await channel.CreateSessionAsync(timeout);
        await channel.ActivateAsync(
            created,
            created.ServerNonce!,
            channel.PasswordToken(created, created.ServerNonce!, userName, password)
        );
        return created;
    }

    public static async Task<CreateSessionResponse> CreateSessionAsync(
        this TestChannel channel,
        double timeout = 60_000,
        string uri = "urn:test:client"
    )
    {
        var created = await channel.CallAsync<CreateSessionResponse>(channel.CreateRequest(timeout, uri));
        channel.SessionToken = created.AuthenticationToken;
        return created;
    }

    public static CreateSessionRequest CreateRequest(
        this TestChannel channel,
        double timeout = 60_000,
        string uri = "urn:test:client",
        uint maxResponse = 0
    ) =>
        new()
        {
            RequestHeader = new RequestHeader { RequestHandle = 1 },
            ClientDescription = new ApplicationDescription { ApplicationUri = uri, ApplicationType = ApplicationType.Client },
            EndpointUrl = "opc.tcp://somewhere:4840/path",
            SessionName = "test",
            ClientNonce = RandomNumberGenerator.GetBytes(32),
            ClientCertificate = channel.Certificate?.RawData,
            RequestedSessionTimeout = timeout,
            MaxResponseMessageSize = maxResponse,
        };

    public static Task<ActivateSessionResponse> ActivateAsync(
        this TestChannel channel,
        CreateSessionResponse created,
        byte[] nonce,
        IUaEncodable? token,
        SignatureData? userSignature = null
    ) => channel.CallAsync<ActivateSessionResponse>(channel.ActivateRequest(created, nonce, token, userSignature));

    public static ActivateSessionRequest ActivateRequest(
        this TestChannel channel,
        CreateSessionResponse created,
        byte[] nonce,
        IUaEncodable? token,
        SignatureData? userSignature = null
    ) =>
        new()
        {
            RequestHeader = new RequestHeader { AuthenticationToken = created.AuthenticationToken, RequestHandle = 2 },
            ClientSignature = channel.Certificate is null
                ? new SignatureData { Algorithm = "ignored without security" }
                : Sign(channel.Certificate, channel.Policy, created.ServerCertificate!, nonce),
            LocaleIds = ["en"],
            UserIdentityToken = token is null ? default : Wrap(token),
            UserTokenSignature = userSignature ?? new SignatureData(),
        };

    /// <summary>Signs in as whom a certificate says.</summary>
    public static Task<ActivateSessionResponse> ActivateByCertificateAsync(
        this TestChannel channel,
        CreateSessionResponse created,
        X509Certificate2 certificate
    ) => channel.CallAsync<ActivateSessionResponse>(channel.RequestByCertificate(created, certificate));

    public static ActivateSessionRequest RequestByCertificate(
        this TestChannel channel,
        CreateSessionResponse created,
        X509Certificate2 certificate
    )
    {
        var (policyId, policy) = channel.FindToken(created, UserTokenType.Certificate);
        return channel.ActivateRequest(
            created,
            created.ServerNonce!,
            new X509IdentityToken { PolicyId = policyId, CertificateData = certificate.RawData },
            Sign(certificate, policy, created.ServerCertificate!, created.ServerNonce!)
        );
    }

    public static SignatureData Sign(X509Certificate2 certificate, SecurityPolicy policy, byte[] serverCertificate, byte[] nonce)
    {
        using var key = certificate.GetRSAPrivateKey()!;
        return new SignatureData
        {
            Algorithm = policy.SignatureUri,
            Signature = ProofOfPossession.Sign(key, policy, serverCertificate, nonce),
        };
    }

    public static UserNameIdentityToken PasswordToken(
        this TestChannel channel,
        CreateSessionResponse created,
        byte[] nonce,
        string userName = OpcUaHost.Device,
        string password = OpcUaHost.Password
    )
    {
        var (policyId, policy) = channel.FindToken(created, UserTokenType.UserName);
        using var certificate = X509CertificateLoader.LoadCertificate(created.ServerCertificate!);
        using var key = certificate.GetRSAPublicKey()!;
        return new UserNameIdentityToken
        {
            PolicyId = policyId,
            UserName = userName,
            Password = UserTokenSecret.Encrypt(key, policy, System.Text.Encoding.UTF8.GetBytes(password), nonce),
            EncryptionAlgorithm = policy.EncryptionUri,
        };
    }

    public static (string? PolicyId, SecurityPolicy Policy) FindToken(
        this TestChannel channel,
        CreateSessionResponse created,
        UserTokenType kind
    )
    {
        var endpoint = created.ServerEndpoints!.First(e => e.SecurityPolicyUri == channel.Policy.Uri);
        var token = endpoint.UserIdentityTokens!.Single(t => t.TokenType == kind);
        return (token.PolicyId, SecurityPolicy.All.Single(p => p.Uri == token.SecurityPolicyUri));
    }

    public static ExtensionObject Wrap(IUaEncodable structure)
    {
        using var output = new PooledOutput();
        var writer = new UaWriter(output);
        writer.ExtensionObject(structure);
        writer.Flush();
        var reader = new UaReader(output.WrittenSpan, EncodingLimits.Default);
        return reader.ExtensionObject();
    }
}
