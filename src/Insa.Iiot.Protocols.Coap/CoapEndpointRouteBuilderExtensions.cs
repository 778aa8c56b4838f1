using System.Net;
using Insa.Iiot.Protocols;
using Insa.Iiot.Protocols.Coap;
using Insa.Iiot.Protocols.Coap.Server;
using Insa.Iiot.Protocols.Coap.Streams;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Adds CoAP over WebSocket to a host's routes.</summary>
public static class CoapEndpointRouteBuilderExtensions
{
    private const string Protocol = "coap";

    /// <summary>
    /// Takes CoAP by WebSocket (RFC 8323 §4), subprotocol <c>coap</c>. The host must call <c>UseWebSockets</c> and <c>AddCoapServer</c>. What is not
    /// by HTTPS is taken from this machine alone, unless <c>AllowsPlainWebSocketBeyondLoopback</c> is set.
    /// </summary>
    /// <param name="endpoints">The host's routes.</param>
    /// <param name="pattern">Where; the default is what the standard's clients ask for.</param>
    public static IEndpointConventionBuilder MapCoap(this IEndpointRouteBuilder endpoints, string pattern = "/.well-known/coap")
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        return endpoints.Map(pattern, AcceptAsync);
    }

    private static async Task AcceptAsync(HttpContext http)
    {
        var options = http.RequestServices.GetRequiredService<CoapEndpointServices>().Options;
        if (!http.WebSockets.IsWebSocketRequest || !http.WebSockets.WebSocketRequestedProtocols.Contains(Protocol))
        {
            await RefuseAsync(http, StatusCodes.Status400BadRequest, "Connect by WebSocket with subprotocol 'coap'.").ConfigureAwait(false);
            return;
        }

        var isLoopback = http.Connection.RemoteIpAddress is { } remote && IPAddress.IsLoopback(remote);
        if (!http.Request.IsHttps && !isLoopback && !options.AllowsPlainWebSocketBeyondLoopback)
        {
            await RefuseAsync(http, StatusCodes.Status403Forbidden, "Connect by HTTPS: without it anyone on the way reads tokens.")
                .ConfigureAwait(false);
            return;
        }

        var limit = http.RequestServices.GetRequiredService<ConnectionLimit>();
        if (!limit.TryEnter())
        {
            await RefuseAsync(http, StatusCodes.Status503ServiceUnavailable, "There are too many connections.").ConfigureAwait(false);
            return;
        }

        try
        {
            await RunAsync(http, options).ConfigureAwait(false);
        }
        finally
        {
            limit.Leave();
        }
    }

    private static async Task RunAsync(HttpContext http, CoapServerOptions options)
    {
        using var socket = await http.WebSockets.AcceptWebSocketAsync(Protocol).ConfigureAwait(false);
        var handler = http.RequestServices.GetRequiredService<CoapConnectionHandler>();
        var connection = new WebSocketConnection(socket, http, options.MaxMessageBytes);
        await using (connection.ConfigureAwait(false))
            await connection.RunAsync(handler).ConfigureAwait(false);
    }

    private static Task RefuseAsync(HttpContext http, int status, string text)
    {
        http.Response.StatusCode = status;
        return http.Response.WriteAsync(text);
    }
}
