using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Insa.Iiot.Protocols.Coap.Dtls;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Client;

/// <summary>A DTLS session as a client's transport.</summary>
internal sealed class SecureClientTransport : ICoapClientTransport, IDatagramHandler
{
    private DtlsClientTransport? _session;
    private volatile Action<ReadOnlySpan<byte>>? _receive;

    private SecureClientTransport() { }

    /// <exception cref="CoapException">There is no way to the server, or the two do not accept each other.</exception>
    public static async Task<SecureClientTransport> ConnectAsync(
        string host,
        int port,
        CoapClientOptions options,
        CancellationToken cancellationToken
    )
    {
        var settings = new DtlsClientSettings
        {
            Psk = options.Psk,
            Certificate = options.Psk is null ? options.Certificate : null,
            UsesRawPublicKeys = options.Psk is null && options.UsesRawPublicKeys,
            ServerName = host,
            PinnedServerCertificateSha256 = options.ServerCertificateSha256,
        };
        var transport = new SecureClientTransport();
        try
        {
            var addresses = await Dns.GetHostAddressesAsync(host, cancellationToken).ConfigureAwait(false);
            transport._session = await DtlsClientTransport
                .ConnectAsync(new IPEndPoint(addresses[0], port), settings, transport, options.TimeProvider, cancellationToken)
                .ConfigureAwait(false);
            return transport;
        }
        catch (SocketException e)
        {
            throw new CoapException(CoapError.Unreachable, $"{host} cannot be reached: {e.SocketErrorCode}.", e);
        }
        catch (AuthenticationException e)
        {
            throw new CoapException(CoapError.NotAuthenticated, $"{host} and this client do not accept each other's credentials.", e);
        }
        catch (TimeoutException e)
        {
            throw new CoapException(CoapError.Timeout, $"{host} made no DTLS session within {settings.HandshakeTimeout}.", e);
        }
    }

    public void Start(Action<ReadOnlySpan<byte>> receive) => _receive = receive;

    public void Send(ReadOnlySpan<byte> datagram) => _session!.Send(datagram);

    public ValueTask DisposeAsync()
    {
        _session!.Dispose();
        return default;
    }

    void IDatagramHandler.Receive(in PeerAddress peer, ReadOnlySpan<byte> datagram) => _receive?.Invoke(datagram);

    void IDatagramHandler.Tick() { }
}
