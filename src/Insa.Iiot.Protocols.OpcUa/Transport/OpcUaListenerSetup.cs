using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Protocols.OpcUa.Transport;

/// <summary>Puts the listeners on Kestrel.</summary>
internal sealed class OpcUaListenerSetup(IOptions<OpcUaServerOptions> options, OpcUaServerAddresses addresses)
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
                    listen.UseConnectionHandler<UaConnectionHandler>();
                    addresses.Add(listen);
                }
            );
        }
    }
}
