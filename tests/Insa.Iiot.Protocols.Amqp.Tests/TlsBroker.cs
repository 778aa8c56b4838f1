using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Insa.Iiot.Peers;

namespace Insa.Iiot.Protocols.Amqp.Tests;

/// <summary>A broker with TLS that takes client certificates for logins. Its one user, named like the certificate, has a password too.</summary>
public sealed class TlsBroker : IAsyncLifetime
{
    public const string User = "iiot-host";
    public const string Password = "only-the-operator-knows";

    private readonly string _folder = Directory.CreateTempSubdirectory("iiot-tls-").FullName;
    private readonly TestAuthority _authority = new();
    private readonly int _securePort = FreePorts.Next();
    private RabbitMqBroker? _broker;

    public X509Certificate2 Client { get; private set; } = null!;

    /// <summary>Of that name, from somebody else.</summary>
    public X509Certificate2 Stranger { get; private set; } = null!;

    /// <summary>SHA-256 over the server's certificate.</summary>
    public byte[] Pin { get; private set; } = [];

    public Uri Plain
    {
        get
        {
            BrokerFixture.Require();
            return new Uri($"amqp://{User}:{Password}@127.0.0.1:{_broker!.Port}");
        }
    }

    public Uri SecureBy(string user) => new($"amqps://{user}127.0.0.1:{_securePort}");

    public async ValueTask InitializeAsync()
    {
        if (!RabbitMqBroker.IsInstalled)
            return;
        using var other = new TestAuthority("CN=Elsewhere");
        using var server = _authority.Issue("CN=127.0.0.1", TestAuthority.ForServers);
        (Client, Stranger) = (_authority.Issue($"CN={User}"), other.Issue($"CN={User}"));
        Pin = SHA256.HashData(server.RawData);
        await WriteAsync("ca.pem", _authority.Certificate.ExportCertificatePem());
        await WriteAsync("server.pem", server.ExportCertificatePem());
        using var key = server.GetECDsaPrivateKey()!;
        await WriteAsync("server.key", key.ExportPkcs8PrivateKeyPem());
        _broker = await RabbitMqBroker.StartAsync(
            "plugin rabbitmq_auth_mechanism_ssl",
            $"listeners.ssl.1 = 127.0.0.1:{_securePort}",
            $"ssl_options.cacertfile = {_folder}/ca.pem",
            $"ssl_options.certfile = {_folder}/server.pem",
            $"ssl_options.keyfile = {_folder}/server.key",
            "ssl_options.verify = verify_peer",
            "ssl_options.fail_if_no_peer_cert = false",
            "auth_mechanisms.1 = PLAIN",
            "auth_mechanisms.2 = EXTERNAL",
            "ssl_cert_login_from = common_name",
            $"default_user = {User}",
            $"default_pass = {Password}"
        );
        AmqpWorld.Current[_broker.Port] = _broker;
    }

    public async ValueTask DisposeAsync()
    {
        if (_broker is not null)
            await _broker.DisposeAsync();
        Client?.Dispose();
        Stranger?.Dispose();
        _authority.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private Task WriteAsync(string name, string text) => File.WriteAllTextAsync(Path.Combine(_folder, name), text);
}
