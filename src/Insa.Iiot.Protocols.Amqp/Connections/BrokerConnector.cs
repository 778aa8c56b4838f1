using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;

namespace Insa.Iiot.Protocols.Amqp.Connections;

/// <summary>Makes connections to the broker. The library's own recovery is off: it does not restore consumers reliably, and whoever lost a connection makes a new one.</summary>
internal sealed class BrokerConnector(IOptions<AmqpOptions> options)
{
    private const int PlainPort = 5672;
    private const int SecurePort = 5671;

    // As much as a broker ever takes: one message too large for the library would end the connection, again and again.
    private const int MaxBodyBytes = 512 * 1024 * 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>The broker without its password, for people.</summary>
    public string Name => options.Value.Uri is { } uri ? $"{uri.Host}:{PortOf(uri)}" : "";

    /// <summary>The virtual host that bindings without one of their own are of.</summary>
    public string DefaultVirtualHost => VirtualHostOf(options.Value.Uri);

    /// <summary>The login; empty if it is a certificate.</summary>
    public string UserName => options.Value.Uri is { } uri ? Uri.UnescapeDataString(uri.UserInfo.Split(':', 2)[0]) : "";

    public static string VirtualHostOf(Uri? uri) =>
        uri is { IsAbsoluteUri: true } && Uri.UnescapeDataString(uri.AbsolutePath) is { Length: > 1 } path ? path[1..] : "/";

    public async Task<IConnection> ConnectAsync(string virtualHost, string purpose, CancellationToken cancellationToken)
    {
        var settings = options.Value;
        var uri = settings.Uri!;
        var user = uri.UserInfo.Split(':', 2);
        var factory = new ConnectionFactory
        {
            AutomaticRecoveryEnabled = false,
            TopologyRecoveryEnabled = false,
            ConsumerDispatchConcurrency = 1,
            VirtualHost = virtualHost,
            ClientProvidedName = $"insa.iiot {purpose}",
            MaxInboundMessageBodySize = MaxBodyBytes,
            RequestedConnectionTimeout = Patience,
            HandshakeContinuationTimeout = Patience,
            RequestedHeartbeat = TimeSpan.FromSeconds(10),
        };
        if (user[0].Length > 0)
        {
            factory.UserName = Uri.UnescapeDataString(user[0]);
            factory.Password = user.Length > 1 ? Uri.UnescapeDataString(user[1]) : "";
        }
        else
        {
            factory.AuthMechanisms = [new ExternalMechanismFactory()];
        }

        // A token that fires while the library connects may leave it hanging: the time-out is ours.
        var connecting = factory.CreateConnectionAsync(EndpointsOf(settings, uri), CancellationToken.None);
        try
        {
            return await connecting.WaitAsync(3 * Patience, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception)
        {
            _ = CloseLateAsync(connecting);
            throw;
        }
    }

    // A connection that comes when nobody waits for it any more.
    private static async Task CloseLateAsync(Task<IConnection> connecting)
    {
        try
        {
            await (await connecting.ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception)
        {
            // It has not come.
        }
    }

    private static IEnumerable<AmqpTcpEndpoint> EndpointsOf(AmqpOptions settings, Uri uri)
    {
        yield return new AmqpTcpEndpoint(uri.Host, PortOf(uri), TlsOf(settings, uri, uri.Host), MaxBodyBytes);
        foreach (var node in settings.Nodes)
        {
            var address = new Uri($"{uri.Scheme}://{node}");
            yield return new AmqpTcpEndpoint(address.Host, PortOf(address), TlsOf(settings, uri, address.Host), MaxBodyBytes);
        }
    }

    private static int PortOf(Uri uri) =>
        uri.Port > 0 ? uri.Port
        : uri.Scheme == "amqps" ? SecurePort
        : PlainPort;

    private static SslOption TlsOf(AmqpOptions settings, Uri uri, string host)
    {
        var tls = new SslOption(host, enabled: uri.Scheme == "amqps") { Version = SslProtocols.None };
        if (settings.ClientCertificate is { } certificate)
            tls.Certs = [certificate];
        if (!settings.ServerCertificateSha256.IsEmpty)
            tls.CertificateValidationCallback = (_, shown, _, _) =>
                shown is not null
                && CryptographicOperations.FixedTimeEquals(SHA256.HashData(shown.GetRawCertData()), settings.ServerCertificateSha256.Span);
        return tls;
    }
}
