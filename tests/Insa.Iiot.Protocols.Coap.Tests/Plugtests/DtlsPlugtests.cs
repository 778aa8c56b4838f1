using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Insa.Iiot.Protocols.Coap.Dtls;
using Insa.Iiot.Protocols.Coap.Tests.Dtls;
using Org.BouncyCastle.Tls;

namespace Insa.Iiot.Protocols.Coap.Tests.Plugtests;

/// <summary>ETSI CoAP#4, TD_COAP_DTLS. An identity of ours has the form device@tenant, so that the plugtest's own, "password", is none.</summary>
public sealed class DtlsPlugtests
{
    private const string Works = "000 it works";

    [Fact] // TD_COAP_DTLS_01
    public async Task A_pre_shared_key_is_taken_by_the_suite_that_devices_must_have()
    {
        using var host = new DtlsHost();
        using var client = await host.Connect(
            new DtlsClientSettings { Psk = DtlsCredentials.Psk, CipherSuites = [CipherSuite.TLS_PSK_WITH_AES_128_CCM_8] }
        );
        Assert.Equal(Works, await client.Echo(Works));
    }

    [Fact] // TD_COAP_DTLS_02
    public async Task A_wrong_pre_shared_key_is_refused()
    {
        using var host = new DtlsHost();
        await Assert.ThrowsAsync<AuthenticationException>(() =>
            host.Connect(new DtlsClientSettings { Psk = new DevicePsk(DtlsCredentials.Identity, "sesame-of-another"u8.ToArray()) })
        );
        await host.Until(server => server.HandshakeCount == 0 && server.SessionCount == 0);
    }

    [Theory] // TD_COAP_DTLS_03, TD_COAP_DTLS_07
    [InlineData(false, 1)]
    [InlineData(false, 2)]
    [InlineData(true, 1)]
    [InlineData(true, 2)]
    public async Task A_session_is_made_over_a_link_that_loses(bool byRawKey, int seed)
    {
        using var server = DtlsCredentials.Certificate("gateway.example");
        using var device = DtlsCredentials.Certificate("pump");
        using var host = new DtlsHost(settings => With(settings, server));
        host.Credentials.RegisterKey(device);
        var random = new Random(seed);
        var left = 4;
        host.Loses = (_, _) =>
        {
            lock (random)
                return left > 0 && random.Next(100) < 25 && left-- > 0;
        };
        using var client = await host.Connect(
            byRawKey ? RawKey(device, server) : new DtlsClientSettings { Psk = DtlsCredentials.Psk, HandshakeTimeout = LongTime }
        );
        host.Loses = null;
        Assert.Equal(Works, await client.Echo(Works));
    }

    [Theory] // TD_COAP_DTLS_04
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_raw_public_key_that_is_registered_is_taken(bool isRsa)
    {
        using var server = DtlsCredentials.Certificate("gateway.example", isRsa);
        using var device = DtlsCredentials.Certificate("pump", isRsa);
        using var host = new DtlsHost(settings => With(settings, server));
        host.Credentials.RegisterKey(device);
        using var client = await host.Connect(RawKey(device, server));
        Assert.Equal(Works, await client.Echo(Works));
        Assert.Equal("pump", Assert.Single(host.Seen.Values).Device.Device.Value);
    }

    [Fact] // TD_COAP_DTLS_05
    public async Task A_client_does_not_take_a_server_of_another_key()
    {
        using var server = DtlsCredentials.Certificate("gateway.example");
        using var other = DtlsCredentials.Certificate("gateway.example");
        using var device = DtlsCredentials.Certificate("pump");
        using var host = new DtlsHost(settings => With(settings, server));
        host.Credentials.RegisterKey(device);
        await Assert.ThrowsAsync<AuthenticationException>(() => host.Connect(RawKey(device, other)));
        await host.Until(one => one.HandshakeCount == 0 && one.SessionCount == 0);
    }

    [Theory] // TD_COAP_DTLS_06
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_server_does_not_take_a_key_that_is_not_registered(bool hasCertificate)
    {
        using var server = DtlsCredentials.Certificate("gateway.example");
        using var device = DtlsCredentials.Certificate("pump");
        using var host = new DtlsHost(settings => With(settings, server));

        // Whoever knows the key of a registered certificate does not have the certificate.
        if (hasCertificate)
            host.Credentials.Register(device);
        await Assert.ThrowsAsync<AuthenticationException>(() => host.Connect(RawKey(device, server)));
        await host.Until(one => one.HandshakeCount == 0 && one.SessionCount == 0);
        Assert.Equal([DtlsRefusal.NotAuthenticated], host.Refusals);
    }

    private static TimeSpan LongTime => TimeSpan.FromSeconds(60);

    private static DtlsClientSettings RawKey(X509Certificate2 device, X509Certificate2 server) =>
        new()
        {
            Certificate = device,
            UsesRawPublicKeys = true,
            PinnedServerCertificateSha256 = DtlsCredentials.Sha256OfKey(server),
            HandshakeTimeout = LongTime,
        };

    private static DtlsServerSettings With(DtlsServerSettings settings, X509Certificate2 certificate) =>
        new()
        {
            Authenticator = settings.Authenticator,
            Keys = settings.Keys,
            Certificate = certificate,
            HandshakeTimeout = LongTime,
            Refused = settings.Refused,
            WakeAddress = settings.WakeAddress,
        };
}
