using System.Security.Cryptography.X509Certificates;
using Insa.Iiot.Protocols.OpcUa.Pki;
using Microsoft.Extensions.Time.Testing;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Pki;

public sealed class CertificateValidatorTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly TestAuthority Root = new();
    private static readonly TestAuthority Intermediate = new("CN=Intermediate", Root);
    private static readonly X509Certificate2 Client = TestAuthority.SelfSigned();
    private static readonly X509Certificate2 Issued = Intermediate.Issue();

    [Fact]
    public void Nobody_is_trusted_by_default() => Is(CertificateProblem.Untrusted, Client, TrustList.Empty);

    [Fact]
    public void A_trusted_certificate_holds() => Is(CertificateProblem.None, Client, Trusting(Client));

    [Fact]
    public void Another_certificate_of_the_same_name_is_not_trusted() =>
        Is(CertificateProblem.Untrusted, TestAuthority.SelfSigned(), Trusting(Client));

    [Fact]
    public void A_certificate_without_a_subject_is_none() => Is(CertificateProblem.Invalid, TestAuthority.SelfSigned(""), TrustList.Empty);

    [Fact]
    public void An_expired_certificate_is_refused()
    {
        var client = TestAuthority.SelfSigned(to: Now.AddSeconds(-1));
        Is(CertificateProblem.TimeInvalid, client, Trusting(client));
        Is(CertificateProblem.None, client, Trusting(client), ignoresTimes: true);
    }

    [Fact]
    public void A_certificate_of_the_future_is_refused()
    {
        var client = TestAuthority.SelfSigned(from: Now.AddSeconds(1));
        Is(CertificateProblem.TimeInvalid, client, Trusting(client));
    }

    [Fact]
    public void A_key_that_may_not_sign_is_refused()
    {
        var client = TestAuthority.SelfSigned(uses: X509KeyUsageFlags.DataEncipherment);
        Is(CertificateProblem.UseNotAllowed, client, Trusting(client));
    }

    [Fact]
    public void A_key_that_may_not_be_encrypted_to_is_good_for_users_alone()
    {
        var client = TestAuthority.SelfSigned(uses: X509KeyUsageFlags.DigitalSignature);
        Is(CertificateProblem.UseNotAllowed, client, Trusting(client));
        Is(CertificateProblem.None, client, Trusting(client), use: CertificateUse.User);
    }

    [Fact]
    public void An_authority_is_no_client() => Is(CertificateProblem.UseNotAllowed, Root.Certificate, Trusting(Root.Certificate));

    [Fact]
    public void A_clients_certificate_is_no_servers_and_one_for_servers_is()
    {
        Is(CertificateProblem.UseNotAllowed, Client, Trusting(Client), use: CertificateUse.Server);
        var server = TestAuthority.SelfSigned(purpose: "1.3.6.1.5.5.7.3.1");
        Is(CertificateProblem.None, server, Trusting(server), use: CertificateUse.Server);
    }

    [Fact]
    public void Who_is_not_trusted_is_not_told_that_time_or_revocation_is_wrong_too()
    {
        Is(CertificateProblem.Untrusted, TestAuthority.SelfSigned(to: Now.AddSeconds(-1)), TrustList.Empty);
        Is(CertificateProblem.ChainIncomplete, Root.Issue(to: Now.AddSeconds(-1)), TrustList.Empty);
    }

    [Fact]
    public void A_certificate_for_servers_alone_is_no_clients()
    {
        var client = TestAuthority.SelfSigned(purpose: "1.3.6.1.5.5.7.3.1");
        Is(CertificateProblem.UseNotAllowed, client, Trusting(client));
    }

    [Fact]
    public void A_short_key_is_refused()
    {
        var client = TestAuthority.SelfSigned(bits: 1024);
        Is(CertificateProblem.PolicyCheckFailed, client, Trusting(client));
    }

    [Fact]
    public void A_signature_by_sha1_is_refused()
    {
        var client = TestAuthority.SelfSigned(isSha1: true);
        Is(CertificateProblem.PolicyCheckFailed, client, Trusting(client));
        var issued = Root.Issue(isSha1: true);
        Is(CertificateProblem.PolicyCheckFailed, issued, Trusting([Root.Certificate], crls: [Root.Revoke(Now.AddDays(-1))]));
    }

    [Fact]
    public void A_certificate_that_was_changed_is_invalid()
    {
        var bytes = Client.RawData;
        bytes[^1] ^= 1;
        var changed = X509CertificateLoader.LoadCertificate(bytes);
        Is(CertificateProblem.Invalid, changed, Trusting(changed));
    }

    [Fact]
    public void An_authority_that_is_trusted_is_trusted_in_what_it_issues() =>
        Is(CertificateProblem.None, Issued, Trusting([Root.Certificate], [Intermediate.Certificate], Crls()));

    [Fact]
    public void An_intermediate_authority_alone_may_be_trusted() =>
        Is(CertificateProblem.None, Issued, Trusting([Intermediate.Certificate], [Root.Certificate], Crls()));

    [Fact]
    public void An_issuer_completes_a_chain_and_does_not_make_it_trusted() =>
        Is(CertificateProblem.Untrusted, Issued, Trusting([Client], [Root.Certificate, Intermediate.Certificate], Crls()));

    [Fact]
    public void A_missing_issuer_leaves_the_chain_incomplete()
    {
        Is(CertificateProblem.ChainIncomplete, Issued, Trusting([Root.Certificate], crls: Crls()));
        Is(CertificateProblem.ChainIncomplete, Issued, Trusting([Issued], crls: Crls()));
    }

    [Fact]
    public void The_client_may_send_its_issuers_along()
    {
        byte[] shown = [.. Issued.RawData, .. Intermediate.Certificate.RawData];
        Is(CertificateProblem.None, shown, Trusting([Root.Certificate], crls: Crls()));
        Is(CertificateProblem.ChainIncomplete, shown, Trusting([Client], crls: Crls()));
    }

    [Fact]
    public void A_revoked_certificate_is_refused() =>
        Is(
            CertificateProblem.Revoked,
            Issued,
            Trusting(
                [Root.Certificate],
                [Intermediate.Certificate],
                [Root.Revoke(Now.AddDays(-1)), Intermediate.Revoke(Now.AddDays(-1), Issued)]
            )
        );

    [Fact]
    public void A_revoked_issuer_is_refused() =>
        Is(
            CertificateProblem.IssuerRevoked,
            Issued,
            Trusting(
                [Root.Certificate],
                [Intermediate.Certificate],
                [Root.Revoke(Now.AddDays(-1), Intermediate.Certificate), Intermediate.Revoke(Now.AddDays(-1))]
            )
        );

    [Fact]
    public void Without_a_current_revocation_list_nobody_knows()
    {
        var root = Root.Revoke(Now.AddDays(-1));
        var intermediate = Intermediate.Revoke(Now.AddDays(-1));
        TrustList List(params byte[][] crls) => Trusting([Root.Certificate], [Intermediate.Certificate], crls);
        Is(CertificateProblem.RevocationUnknown, Issued, List(root));
        Is(CertificateProblem.IssuerRevocationUnknown, Issued, List(intermediate));
        Is(CertificateProblem.RevocationUnknown, Issued, List(root, Intermediate.Revoke(Now.AddDays(-9), Now.AddDays(-2))));
        Is(CertificateProblem.RevocationUnknown, Issued, List(root, new TestAuthority("CN=Intermediate").Revoke(Now.AddDays(-1))));
        Is(CertificateProblem.None, Issued, List(), requiresLists: false);
    }

    [Fact]
    public void An_expired_issuer_is_refused()
    {
        var issuer = new TestAuthority("CN=Later", Root);
        var issued = issuer.Issue(to: new DateTimeOffset(2040, 1, 1, 0, 0, 0, TimeSpan.Zero));
        var list = Trusting([Root.Certificate], [issuer.Certificate], []);
        Is(CertificateProblem.IssuerTimeInvalid, issued, list, requiresLists: false, now: new(2037, 1, 1, 0, 0, 0, TimeSpan.Zero));
    }

    [Fact]
    public void Who_is_no_authority_issues_nothing()
    {
        var issuer = new TestAuthority("CN=NoAuthority", isAuthority: false);
        Is(CertificateProblem.IssuerUseNotAllowed, issuer.Issue(), Trusting(issuer.Certificate), requiresLists: false);
    }

    [Fact]
    public void An_authority_that_may_have_none_below_it_makes_no_other()
    {
        var root = new TestAuthority("CN=Last", pathLength: 0);
        var below = new TestAuthority("CN=Below", root);
        Is(CertificateProblem.None, root.Issue(), Trusting(root.Certificate), requiresLists: false);
        var list = Trusting([root.Certificate], [below.Certificate], []);
        Is(CertificateProblem.IssuerUseNotAllowed, below.Issue(), list, requiresLists: false);
    }

    [Fact]
    public void A_name_is_not_enough_to_be_an_issuer()
    {
        var impostor = new TestAuthority("CN=Root");
        Is(CertificateProblem.Invalid, impostor.Issue(), Trusting(Root.Certificate), requiresLists: false);
    }

    [Fact]
    public void The_application_uri_is_compared_byte_for_byte()
    {
        Assert.True(CertificateNames.HasApplicationUri(Client, TestAuthority.Uri));
        Assert.False(CertificateNames.HasApplicationUri(Client, "urn:test:Client"));
        Assert.False(CertificateNames.HasApplicationUri(TestAuthority.SelfSigned(uri: null), TestAuthority.Uri));
    }

    [Fact]
    public void Bytes_that_are_no_certificate_are_not_read()
    {
        Assert.False(CertificateChain.TryRead([], out _));
        Assert.False(CertificateChain.TryRead([0x30, 0x82, 0xff, 0xff, 1], out _));
        Assert.False(CertificateChain.TryRead(new byte[CertificateChain.MaxBytes + 1], out _));
        Assert.False(CertificateChain.TryRead([.. Client.RawData, 1, 2, 3], out _));
    }

    [Fact]
    public void No_bytes_throw()
    {
        var random = new Random(7);
        byte[] valid = [.. Issued.RawData, .. Intermediate.Certificate.RawData];
        var crl = Root.Revoke(Now.AddDays(-1), Issued);
        var list = Trusting([Root.Certificate], [Intermediate.Certificate], Crls());
        var validator = new CertificateValidator(true, false, new FakeTimeProvider(Now));
        for (var i = 0; i < 2000; i++)
        {
            var bytes = (byte[])valid.Clone();
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            if (CertificateChain.TryRead(bytes, out var chain))
            {
                validator.Validate(chain, list, CertificateUse.Application);
                CertificateNames.HasApplicationUri(chain.Leaf, TestAuthority.Uri);
                CertificateNames.FindEmail(chain.Leaf);
                CertificateFileName.Of(chain.Leaf);
            }

            bytes = (byte[])crl.Clone();
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            RevocationList.TryRead(bytes);
        }
    }

    private static byte[][] Crls() => [Root.Revoke(Now.AddDays(-1)), Intermediate.Revoke(Now.AddDays(-1))];

    private static TrustList Trusting(X509Certificate2 certificate) => Trusting([certificate]);

    private static TrustList Trusting(X509Certificate2[] trusted, X509Certificate2[]? issuers = null, byte[][]? crls = null) =>
        new(trusted, issuers ?? [], [.. (crls ?? []).Select(crl => RevocationList.TryRead(crl)!)]);

    private static void Is(
        CertificateProblem expected,
        X509Certificate2 certificate,
        TrustList list,
        CertificateUse use = CertificateUse.Application,
        bool requiresLists = true,
        bool ignoresTimes = false,
        DateTimeOffset? now = null
    ) => Is(expected, certificate.RawData, list, use, requiresLists, ignoresTimes, now);

    private static void Is(
        CertificateProblem expected,
        byte[] shown,
        TrustList list,
        CertificateUse use = CertificateUse.Application,
        bool requiresLists = true,
        bool ignoresTimes = false,
        DateTimeOffset? now = null
    )
    {
        Assert.True(CertificateChain.TryRead(shown, out var chain));
        var validator = new CertificateValidator(requiresLists, ignoresTimes, new FakeTimeProvider(now ?? Now));
        Assert.Equal(expected, validator.Validate(chain, list, use));
    }
}
