using Insa.Iiot.Protocols.Mqtt.Connections;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Protocols.Mqtt;

/// <summary>Puts the listeners on Kestrel.</summary>
internal sealed class MqttListenerSetup(IOptions<MqttEndpointOptions> options, MqttEndpointAddresses addresses, ConnectionLimit limit)
    : IConfigureOptions<KestrelServerOptions>
{
    public void Configure(KestrelServerOptions kestrel)
    {
        foreach (var listener in options.Value.Listeners)
        {
            kestrel.Listen(
                new InlineTransportFactory.OwnEndPoint(listener.Address, listener.Port),
                listen =>
                {
                    listen.Use(limit.Around);
                    if (listener.Certificate is not null)
                        listen.UseHttps(tls => ConfigureTls(tls, listener));
                    listen.UseConnectionHandler<MqttConnectionHandler>();
                    addresses.Add(listen);
                }
            );
        }
    }

    private static void ConfigureTls(HttpsConnectionAdapterOptions tls, MqttListenerOptions listener)
    {
        tls.ServerCertificate = listener.Certificate;
        tls.ClientCertificateMode = listener.RequireClientCertificate
            ? ClientCertificateMode.RequireCertificate
            : ClientCertificateMode.AllowCertificate;

        // TLS proves that the client has the key. Whose certificate it is, the registry says.
        tls.AllowAnyClientCertificate();
    }
}
