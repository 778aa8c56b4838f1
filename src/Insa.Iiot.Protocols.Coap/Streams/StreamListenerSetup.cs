using System.Net.Security;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Protocols.Coap.Streams;

/// <summary>Puts the listeners of TCP on Kestrel.</summary>
internal sealed class StreamListenerSetup(IOptionsMonitor<CoapServerOptions> monitor, CoapServerAddresses addresses, ConnectionLimit limit)
    : IConfigureOptions<KestrelServerOptions>
{
    private static readonly SslApplicationProtocol Protocol = new("coap");

    public void Configure(KestrelServerOptions options)
    {
        var coap = monitor.CurrentValue;
        for (var i = 0; i < coap.Listeners.Count; i++)
        {
            var (index, listener) = (i, coap.Listeners[i]);
            if (listener.Transport != CoapTransport.Tcp)
                continue;
            options.Listen(
                new InlineTransportFactory.OwnEndPoint(listener.Address, listener.Port),
                listen =>
                {
                    listen.Use(limit.Around);
                    if (!listener.IsPlain)
                        listen.UseHttps(tls => ConfigureTls(tls, listener, coap.HandshakeTimeout));
                    listen.UseConnectionHandler<CoapConnectionHandler>();
                    addresses.Set(index, () => listen.IPEndPoint!);
                }
            );
        }
    }

    private static void ConfigureTls(HttpsConnectionAdapterOptions tls, CoapListenerOptions listener, TimeSpan handshakeTimeout)
    {
        tls.ServerCertificate = listener.Certificate;
        tls.HandshakeTimeout = handshakeTimeout;
        tls.ClientCertificateMode = ClientCertificateMode.AllowCertificate;

        // TLS proves that the client has the key. Whose certificate it is, the registry says.
        tls.AllowAnyClientCertificate();

        // RFC 8323 §8.2: instead of those of HTTP.
        tls.OnAuthenticate = (_, authentication) => authentication.ApplicationProtocols = [Protocol];
    }
}
