using System.Security.Cryptography.X509Certificates;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Pki;
using Insa.Iiot.Protocols.OpcUa.Security;
using Insa.Iiot.Protocols.OpcUa.Tests.Pki;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Server.Sessions;

/// <summary>Tokens by which somebody cannot sign in, and what they are told.</summary>
public sealed class UserTokenTests
{
    private const string Someone = $"CN={OpcUaHost.User}";

    private static readonly SecurityPolicy Policy = SecurityPolicy.Basic256Sha256;

    [Theory]
    [InlineData("", OpcUaHost.Password, 0x80200000u)]
    [InlineData("", "", 0x80200000u)]
    [InlineData("bob@example.com@acme", OpcUaHost.Password, 0x80210000u)]
    [InlineData("nobody", OpcUaHost.Password, 0x80210000u)]
    [InlineData(OpcUaHost.User, "", 0x80210000u)]
    [InlineData(OpcUaHost.User, "wrong", 0x80210000u)]
    [InlineData(OpcUaHost.Device, "", 0x80210000u)]
    public async Task A_name_and_a_password_that_are_not_right_are_refused(string name, string password, uint status)
    {
        await using var host = await OpcUaHost.StartAsync(options => options.AllowUnsecured = true);
        foreach (var isSecured in (bool[])[true, false])
        {
            await using var channel = isSecured
                ? await TestChannel.OpenAsync(host, Policy, MessageSecurityMode.SignAndEncrypt)
                : await TestChannel.OpenAsync(host);
            var created = await channel.CreateSessionAsync();
            var token = channel.PasswordToken(created, created.ServerNonce!, name, password);
            Assert.Equal(new StatusCode(status), await ActivateAsync(channel, created, token));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData(null)]
    [InlineData("http://www.w3.org/2001/04/xmlenc#rsa-1_5")]
    public async Task A_password_by_another_algorithm_than_its_policys_is_invalid(string? algorithm)
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host, Policy, MessageSecurityMode.SignAndEncrypt);
        var created = await channel.CreateSessionAsync();
        var right = channel.PasswordToken(created, created.ServerNonce!);
        var token = new UserNameIdentityToken
        {
            PolicyId = right.PolicyId,
            UserName = right.UserName,
            Password = right.Password,
            EncryptionAlgorithm = algorithm,
        };
        Assert.Equal(StatusCodes.BadIdentityTokenInvalid, await ActivateAsync(channel, created, token));
    }

    [Fact]
    public async Task A_password_without_the_nonce_is_refused()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host, Policy, MessageSecurityMode.SignAndEncrypt);
        var created = await channel.CreateSessionAsync();
        var token = channel.PasswordToken(created, [], OpcUaHost.User, "");
        Assert.Equal(StatusCodes.BadIdentityTokenRejected, await ActivateAsync(channel, created, token));
    }

    [Fact]
    public async Task A_user_who_may_do_nothing_here_is_denied()
    {
        await using var host = await OpcUaHost.StartAsync();
        host.UserPermissions = ["billing:read"];
        await using var channel = await TestChannel.OpenAsync(host, Policy, MessageSecurityMode.SignAndEncrypt);
        var created = await channel.CreateSessionAsync();
        var token = channel.PasswordToken(created, created.ServerNonce!, OpcUaHost.User);
        Assert.Equal(StatusCodes.BadUserAccessDenied, await ActivateAsync(channel, created, token));
    }

    [Fact]
    public async Task A_token_of_a_kind_that_is_not_offered_or_of_none_is_invalid()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host, Policy, MessageSecurityMode.SignAndEncrypt);
        var created = await channel.CreateSessionAsync();
        Assert.Equal(
            StatusCodes.BadIdentityTokenInvalid,
            await ActivateAsync(channel, created, new IssuedIdentityToken { PolicyId = "0", TokenData = [1] })
        );
        Assert.Equal(
            StatusCodes.BadIdentityTokenInvalid,
            await ActivateAsync(channel, created, new MonitoringParameters { Filter = default })
        );
    }

    [Theory]
    [InlineData("self-signed", true)]
    [InlineData("issued by a trusted authority", true)]
    [InlineData("issued and trusted by itself", true)]
    [InlineData("not trusted", false)]
    [InlineData("of the future", false)]
    [InlineData("expired", false)]
    [InlineData("revoked", false)]
    [InlineData("of an application", false)]
    [InlineData("issued by an authority that is only known", false)]
    [InlineData("issued by an unknown authority", false)]
    public async Task A_users_certificate_is_validated_like_any_other(string kind, bool isGood)
    {
        var authority = new TestAuthority("CN=Users");
        var now = TimeProvider.System.GetUtcNow();
        await using var host = await OpcUaHost.StartAsync(prepare: host =>
        {
            var lists = CertificateFolders.RevocationsOf(host.Folders.TrustedUser);
            var issuerLists = CertificateFolders.RevocationsOf(host.Folders.IssuerUser);
            if (kind is "issued by a trusted authority" or "revoked")
                host.TrustUser(authority.Certificate);
            if (kind is "issued by an authority that is only known" or "issued and trusted by itself")
                Write(CertificateFolders.CertificatesOf(host.Folders.IssuerUser), authority.Certificate);
            foreach (var folder in (string[])[lists, issuerLists])
                File.WriteAllBytes(
                    Path.Combine(folder, "users.crl"),
                    authority.Revoke(now.AddDays(-1), kind == "revoked" ? [Certificate()] : [])
                );
            if (kind is "self-signed" or "of the future" or "expired" or "issued and trusted by itself")
                host.TrustUser(Certificate());
        });
        await using var channel = await TestChannel.OpenAsync(host, Policy, MessageSecurityMode.SignAndEncrypt);
        var created = await channel.CreateSessionAsync();
        var (policyId, policy) = channel.FindToken(created, UserTokenType.Certificate);
        var status = await ActivateAsync(
            channel,
            created,
            new X509IdentityToken { PolicyId = policyId, CertificateData = Certificate().RawData },
            TestSession.Sign(Certificate(), policy, created.ServerCertificate!, created.ServerNonce!)
        );
        Assert.Equal(isGood ? StatusCodes.Good : StatusCodes.BadIdentityTokenRejected, status);

        X509Certificate2 Certificate() =>
            Made(
                kind switch
                {
                    "of the future" => () => TestAuthority.SelfSigned(Someone, uri: null, from: now.AddDays(1)),
                    "expired" => () => TestAuthority.SelfSigned(Someone, uri: null, to: now.AddDays(-1)),
                    "of an application" => () => OpcUaHost.ClientCertificate,
                    "self-signed" or "not trusted" => () => TestAuthority.SelfSigned(Someone, uri: null),
                    _ => () => authority.Issue(Someone, uri: null),
                }
            );
    }

    [Theory]
    [InlineData("no such policy", null, 0x80200000u)]
    [InlineData(null, "empty", 0x80570000u)]
    [InlineData(null, "of something else", 0x80570000u)]
    [InlineData(null, "by another algorithm", 0x80570000u)]
    [InlineData(null, "of bytes that are no certificate", 0x80200000u)]
    public async Task A_certificate_without_proof_or_policy_is_refused(string? policyId, string? proof, uint status)
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host, Policy, MessageSecurityMode.SignAndEncrypt);
        var created = await channel.CreateSessionAsync();
        var (right, policy) = channel.FindToken(created, UserTokenType.Certificate);
        var signature = TestSession.Sign(OpcUaHost.DeviceCertificate, policy, created.ServerCertificate!, created.ServerNonce!);
        var token = new X509IdentityToken
        {
            PolicyId = policyId ?? right,
            CertificateData = proof == "of bytes that are no certificate" ? [1, 2, 3] : OpcUaHost.DeviceCertificate.RawData,
        };
        var shown = proof switch
        {
            "empty" => new SignatureData(),
            "of something else" => TestSession.Sign(OpcUaHost.DeviceCertificate, policy, created.ServerCertificate!, new byte[32]),
            "by another algorithm" => new SignatureData
            {
                Algorithm = "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
                Signature = signature.Signature,
            },
            _ => signature,
        };
        Assert.Equal(new StatusCode(status), await ActivateAsync(channel, created, token, shown));
    }

    private X509Certificate2? _made;

    private X509Certificate2 Made(Func<X509Certificate2> make) => _made ??= make();

    private static void Write(string folder, X509Certificate2 certificate) =>
        File.WriteAllBytes(Path.Combine(folder, CertificateFileName.Of(certificate) + ".der"), certificate.RawData);

    private static async Task<StatusCode> ActivateAsync(
        TestChannel channel,
        CreateSessionResponse created,
        IUaEncodable token,
        SignatureData? signature = null
    )
    {
        await channel.SendAsync(channel.ActivateRequest(created, created.ServerNonce!, token, signature));
        var reader = new UaReader(await channel.ReadMessageAsync(), EncodingLimits.Default);
        reader.NodeId();
        return ResponseHeader.Decode(ref reader).ServiceResult;
    }
}
