using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text;
using Insa.Iiot.Protocols.Coap.Dtls;
using Org.BouncyCastle.Tls;

namespace Insa.Iiot.Protocols.Coap.Tests.Dtls;

public sealed class DtlsHandshakeTests
{
    [Theory]
    [InlineData(CipherSuite.TLS_PSK_WITH_AES_128_CCM_8)]
    [InlineData(CipherSuite.TLS_PSK_WITH_AES_128_CCM)]
    [InlineData(CipherSuite.TLS_PSK_WITH_AES_128_GCM_SHA256)]
    [InlineData(CipherSuite.TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256)]
    [InlineData(CipherSuite.TLS_ECDHE_PSK_WITH_AES_128_CCM_SHA256)]
    [InlineData(CipherSuite.TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256)]
    public async Task A_device_with_its_key_is_connected_by_each_suite(int suite)
    {
        using var host = new DtlsHost();
        foreach (var useConnectionId in (bool[])[true, false])
        {
            using var client = await host.Connect(
                new DtlsClientSettings
                {
                    Psk = DtlsCredentials.Psk,
                    CipherSuites = [suite],
                    UseConnectionId = useConnectionId,
                }
            );
            Assert.Equal("000 hello", await client.Echo("000 hello"));
        }

        var session = host.Seen.Values.First();
        Assert.Equal("pump", session.Device.Device.Value);
        Assert.Equal("acme", session.Device.Tenant.Value);
        Assert.Equal("coap", session.Device.Protocol);
        Assert.Equal(Transport.PeerAddress.OfSession(session.Id), session.Peer);
    }

    [Fact]
    public async Task A_wrong_key_and_an_unknown_identity_look_the_same()
    {
        using var host = new DtlsHost();
        var key = RandomNumberGenerator.GetBytes(32);
        var wrong = await Refused(host, new DtlsClientSettings { Psk = new DevicePsk(DtlsCredentials.Identity, key) });
        var unknown = await Refused(host, new DtlsClientSettings { Psk = new DevicePsk("nobody@acme", key) });
        var noText = await Refused(host, new DtlsClientSettings { Psk = new DevicePsk(new string('x', 300), key) });

        Assert.Equal((AlertDescription.decrypt_error, wrong), (wrong, unknown));
        Assert.Equal(wrong, noText);
        await host.Until(server => server.HandshakeCount == 0 && server.SessionCount == 0);
        Assert.Equal([DtlsRefusal.WrongKey, DtlsRefusal.WrongKey, DtlsRefusal.WrongKey], host.Refusals);
    }

    [Fact]
    public async Task A_store_that_cannot_be_asked_is_told_from_a_wrong_key()
    {
        using var host = new DtlsHost();
        host.Credentials.Hold = Task.FromException(new InvalidOperationException("no key to open keys with"));
        var alert = await Refused(host, new DtlsClientSettings { Psk = DtlsCredentials.Psk });

        Assert.Equal(AlertDescription.internal_error, alert);
        await host.Until(server => server.HandshakeCount == 0);
        Assert.Equal([DtlsRefusal.StoreUnavailable], host.Refusals);
    }

    [Theory]
    [InlineData(CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8, false)]
    [InlineData(CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_CCM, false)]
    [InlineData(CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, false)]
    [InlineData(CipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, true)]
    public async Task A_device_with_its_certificate_is_connected_by_each_suite(int suite, bool isServerRsa)
    {
        using var serverCertificate = DtlsCredentials.Certificate("gateway.example", isServerRsa);
        using var host = new DtlsHost(settings => With(settings, serverCertificate));
        foreach (var isClientRsa in (bool[])[false, true])
        {
            using var certificate = DtlsCredentials.Certificate("pump", isClientRsa);
            host.Credentials.Register(certificate);
            using var client = await host.Connect(
                new DtlsClientSettings
                {
                    Certificate = certificate,
                    ServerName = "gateway.example",
                    TrustedRoots = [serverCertificate],
                    CipherSuites = [suite],
                }
            );
            Assert.Equal("000 hello", await client.Echo("000 hello"));
        }
    }

    [Fact]
    public async Task Keys_and_certificates_are_taken_on_one_port()
    {
        using var serverCertificate = DtlsCredentials.Certificate("gateway.example");
        using var certificate = DtlsCredentials.Certificate("pump");
        using var host = new DtlsHost(settings => With(settings, serverCertificate));
        host.Credentials.Register(certificate);
        using var byKey = await host.Connect();
        using var byCertificate = await host.Connect(
            new DtlsClientSettings { Certificate = certificate, PinnedServerCertificateSha256 = SHA256.HashData(serverCertificate.RawData) }
        );

        Assert.Equal("000 key", await byKey.Echo("000 key"));
        Assert.Equal("000 certificate", await byCertificate.Echo("000 certificate"));
    }

    [Fact]
    public async Task An_unregistered_certificate_and_none_at_all_are_refused()
    {
        using var serverCertificate = DtlsCredentials.Certificate("gateway.example");
        using var certificate = DtlsCredentials.Certificate("stranger");
        using var host = new DtlsHost(settings => With(settings, serverCertificate));
        var pin = SHA256.HashData(serverCertificate.RawData);

        var alert = await Refused(host, new DtlsClientSettings { Certificate = certificate, PinnedServerCertificateSha256 = pin });
        Assert.Equal(AlertDescription.access_denied, alert);
        alert = await Refused(host, new DtlsClientSettings { PinnedServerCertificateSha256 = pin });
        Assert.Equal(AlertDescription.handshake_failure, alert);
        await host.Until(server => server.HandshakeCount == 0 && server.SessionCount == 0);
        Assert.Equal([DtlsRefusal.NotAuthenticated, DtlsRefusal.HandshakeFailed], host.Refusals);
    }

    [Fact]
    public async Task A_server_of_another_name_root_or_pin_is_not_trusted()
    {
        using var serverCertificate = DtlsCredentials.Certificate("gateway.example");
        using var other = DtlsCredentials.Certificate("gateway.example");
        using var host = new DtlsHost(settings => With(settings, serverCertificate));
        DtlsClientSettings[] distrusting =
        [
            new() { ServerName = "other.example", TrustedRoots = [serverCertificate] },
            new() { ServerName = "gateway.example", TrustedRoots = [other] },
            new() { ServerName = "gateway.example" },
            new() { TrustedRoots = [serverCertificate] },
            new() { PinnedServerCertificateSha256 = SHA256.HashData(other.RawData) },
            new() { ValidateServerCertificate = (_, _) => false },
        ];
        foreach (var settings in distrusting)
            await Assert.ThrowsAsync<AuthenticationException>(() => host.Connect(settings));
    }

    [Theory]
    [InlineData(true, true, true)]
    [InlineData(false, true, true)]
    [InlineData(false, true, false)]
    [InlineData(false, false, true)]
    public async Task A_last_flight_that_is_lost_is_sent_again(bool useConnectionId, bool losesChange, bool losesFinished)
    {
        var (changes, finished) = (0, 0);
        using var host = new DtlsHost();
        host.Loses = (datagram, isServers) =>
            isServers
            && (
                (datagram[0] == 20 && Interlocked.Increment(ref changes) == 1 && losesChange)
                || (datagram[4] == 1 && Interlocked.Increment(ref finished) == 1 && losesFinished)
            );
        using var client = await host.Connect(new DtlsClientSettings { Psk = DtlsCredentials.Psk, UseConnectionId = useConnectionId });
        Assert.Equal(2, finished);
        Assert.Equal("000 hello", await client.Echo("000 hello"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_handshake_is_done_although_the_network_loses_datagrams(bool byCertificate)
    {
        using var serverCertificate = DtlsCredentials.Certificate("gateway.example");
        using var certificate = DtlsCredentials.Certificate("pump");
        using var host = new DtlsHost(settings => With(settings, serverCertificate, TimeSpan.FromSeconds(60)));
        host.Credentials.Register(certificate);
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);

        // Each loss may double the wait for the next try: of five the last comes after 31 s at the latest.
        var left = 5;
        host.Loses = (_, _) =>
        {
            lock (random)
                return left > 0 && random.Next(100) < 25 && left-- > 0;
        };
        using var client = await host.Connect(
            new DtlsClientSettings
            {
                Psk = byCertificate ? null : DtlsCredentials.Psk,
                Certificate = byCertificate ? certificate : null,
                PinnedServerCertificateSha256 = SHA256.HashData(serverCertificate.RawData),
                HandshakeTimeout = TimeSpan.FromSeconds(60),
            }
        );
        host.Loses = null;
        Assert.Equal("000 hello", await client.Echo("000 hello"));
        Assert.Empty(host.Refusals);
    }

    [Fact]
    public async Task A_proof_that_is_lost_before_the_cipher_changes_comes_again()
    {
        const byte CertificateVerify = 15;
        using var serverCertificate = DtlsCredentials.Certificate("gateway.example");
        using var certificate = DtlsCredentials.Certificate("pump");
        using var host = new DtlsHost(settings => With(settings, serverCertificate));
        host.Credentials.Register(certificate);
        var lost = 0;
        host.Loses = (datagram, isOfServer) =>
            !isOfServer
            && datagram[0] == (byte)DtlsContentType.Handshake
            && datagram[4] == 0
            && datagram[DtlsRecord.HeaderLength] == CertificateVerify
            && Interlocked.Increment(ref lost) == 1;
        using var client = await host.Connect(
            new DtlsClientSettings { Certificate = certificate, PinnedServerCertificateSha256 = SHA256.HashData(serverCertificate.RawData) }
        );
        Assert.Equal("000 hello", await client.Echo("000 hello"));
        Assert.True(lost > 1);
    }

    [Fact]
    public async Task A_client_gives_up_when_nobody_answers_or_it_is_cancelled()
    {
        using var silent = new System.Net.Sockets.UdpClient(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        var server = (System.Net.IPEndPoint)silent.Client.LocalEndPoint!;
        var settings = new DtlsClientSettings { Psk = DtlsCredentials.Psk, HandshakeTimeout = TimeSpan.FromMilliseconds(300) };
        await Assert.ThrowsAsync<TimeoutException>(() => DtlsClient.Connect(server, settings));

        using var cancellation = new CancellationTokenSource();
        settings = new DtlsClientSettings { Psk = DtlsCredentials.Psk };
        var connecting = DtlsClientTransport.ConnectAsync(server, settings, new DtlsClient(), TimeProvider.System, cancellation.Token);
        cancellation.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting.WaitAsync(DtlsHost.Patience));
    }

    private static DtlsServerSettings With(
        DtlsServerSettings settings,
        System.Security.Cryptography.X509Certificates.X509Certificate2 certificate,
        TimeSpan? timeout = null
    ) =>
        new()
        {
            Authenticator = settings.Authenticator,
            Keys = settings.Keys,
            Certificate = certificate,
            HandshakeTimeout = timeout ?? settings.HandshakeTimeout,
            Refused = settings.Refused,
            WakeAddress = settings.WakeAddress,
        };

    /// <returns>The alert that the server sent.</returns>
    private static async Task<short> Refused(DtlsHost host, DtlsClientSettings settings)
    {
        var failure = await Assert.ThrowsAsync<AuthenticationException>(() => host.Connect(settings));
        return Assert.IsType<TlsFatalAlertReceived>(failure.InnerException).AlertDescription;
    }
}
