using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Security;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.LoadTest.OpcUa;

/// <summary>A client with a channel and an activated session, for one thread.</summary>
internal sealed class OpcUaClient : IDisposable
{
    private const string ApplicationUri = "urn:insa:iiot:load";
    private static readonly X509Certificate2 Own = MakeCertificate();

    private readonly NodeId _token;

    private OpcUaClient(OpcUaChannel channel, NodeId token) => (Channel, _token) = (channel, token);

    public OpcUaChannel Channel { get; }

    /// <summary>The client's certificate in DER, for servers that have to trust it.</summary>
    public static byte[] Certificate => Own.RawData;

    /// <summary>Finds the endpoint of a policy, opens a channel and a session on it, and activates it for a user, or anonymously.</summary>
    public static OpcUaClient Connect(int port, SecurityPolicy policy, string? user, string? password)
    {
        var at = new IPEndPoint(IPAddress.Loopback, port);
        var url = $"opc.tcp://127.0.0.1:{port}";
        var endpoint = FindEndpoint(at, url, policy);
        using var server = endpoint.ServerCertificate is { Length: > 0 } raw ? X509CertificateLoader.LoadCertificate(raw) : null;
        var channel = OpcUaChannel.Open(at, url, policy, policy.IsNone ? null : Own, policy.IsNone ? null : server);
        try
        {
            var nonce = RandomNumberGenerator.GetBytes(SecurityPolicy.NonceBytes);
            var session = channel.Call<CreateSessionResponse>(
                new CreateSessionRequest
                {
                    RequestHeader = Header(default),
                    ClientDescription = new ApplicationDescription
                    {
                        ApplicationUri = ApplicationUri,
                        ApplicationName = new LocalizedText(null, "load"),
                        ApplicationType = ApplicationType.Client,
                    },
                    EndpointUrl = url,
                    SessionName = "load",
                    ClientNonce = nonce,
                    ClientCertificate = policy.IsNone ? null : Own.RawData,
                    RequestedSessionTimeout = 600_000,
                    MaxResponseMessageSize = 64 << 20,
                }
            );
            Activate(channel, session, endpoint, policy, server, user, password);
            return new OpcUaClient(channel, session.AuthenticationToken);
        }
        catch
        {
            channel.Dispose();
            throw;
        }
    }

    /// <summary>The header of this session's requests.</summary>
    public RequestHeader Header() => Header(_token);

    public TResponse Call<TResponse>(IUaEncodable request)
        where TResponse : IUaStructure<TResponse> => Channel.Call<TResponse>(request);

    public void Dispose() => Channel.Dispose();

    private static EndpointDescription FindEndpoint(IPEndPoint at, string url, SecurityPolicy policy)
    {
        using var channel = OpcUaChannel.Open(at, url, SecurityPolicy.None, null, null);
        var response = channel.Call<GetEndpointsResponse>(new GetEndpointsRequest { RequestHeader = Header(default), EndpointUrl = url });
        var mode = policy.IsNone ? MessageSecurityMode.None : MessageSecurityMode.SignAndEncrypt;
        return response.Endpoints?.FirstOrDefault(e => e.SecurityPolicyUri == policy.Uri && e.SecurityMode == mode)
            ?? throw new InvalidDataException($"The server has no endpoint of policy {policy}.");
    }

    private static void Activate(
        OpcUaChannel channel,
        CreateSessionResponse session,
        EndpointDescription endpoint,
        SecurityPolicy policy,
        X509Certificate2? server,
        string? user,
        string? password
    )
    {
        var wanted = user is null ? UserTokenType.Anonymous : UserTokenType.UserName;
        var tokenPolicy =
            endpoint.UserIdentityTokens?.FirstOrDefault(token => token.TokenType == wanted)
            ?? throw new InvalidDataException($"The server takes no {wanted} token.");
        channel.Call<ActivateSessionResponse>(
            new ActivateSessionRequest
            {
                RequestHeader = Header(session.AuthenticationToken),
                ClientSignature = policy.IsNone
                    ? new SignatureData()
                    : new SignatureData
                    {
                        Algorithm = policy.SignatureUri,
                        Signature = ProofOfPossession.Sign(Own.GetRSAPrivateKey()!, policy, session.ServerCertificate, session.ServerNonce),
                    },
                UserIdentityToken = new ExtensionObject(
                    user is null
                        ? new AnonymousIdentityToken { PolicyId = tokenPolicy.PolicyId }
                        : UserToken(tokenPolicy, policy, server, session.ServerNonce, user, password!)
                ),
                UserTokenSignature = new SignatureData(),
            }
        );
    }

    private static UserNameIdentityToken UserToken(
        UserTokenPolicy tokenPolicy,
        SecurityPolicy channelPolicy,
        X509Certificate2? server,
        byte[]? nonce,
        string user,
        string password
    )
    {
        var uri = tokenPolicy.SecurityPolicyUri is { Length: > 0 } own ? own : channelPolicy.Uri;
        if (!SecurityPolicy.TryFind(System.Text.Encoding.ASCII.GetBytes(uri), out var policy))
            throw new InvalidDataException($"The server's token policy {uri} is not known.");
        var plain = System.Text.Encoding.UTF8.GetBytes(password);
        if (policy.IsNone)
            return new UserNameIdentityToken
            {
                PolicyId = tokenPolicy.PolicyId,
                UserName = user,
                Password = plain,
            };
        using var key = server!.GetRSAPublicKey()!;
        return new UserNameIdentityToken
        {
            PolicyId = tokenPolicy.PolicyId,
            UserName = user,
            Password = UserTokenSecret.Encrypt(key, policy, plain, nonce),
            EncryptionAlgorithm = policy.EncryptionUri,
        };
    }

    private static RequestHeader Header(NodeId token) => new() { AuthenticationToken = token, TimeoutHint = 60_000 };

    private static X509Certificate2 MakeCertificate()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=load", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri(ApplicationUri));
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(
                X509KeyUsageFlags.DigitalSignature
                    | X509KeyUsageFlags.NonRepudiation
                    | X509KeyUsageFlags.KeyEncipherment
                    | X509KeyUsageFlags.DataEncipherment,
                true
            )
        );
        request.CertificateExtensions.Add(
            new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.2"), new Oid("1.3.6.1.5.5.7.3.1")], false)
        );
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddHours(-1), now.AddDays(1));
    }
}
