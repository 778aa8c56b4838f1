using Insa.Iiot.Protocols;
using Insa.Iiot.Protocols.Mqtt.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Adds MQTT over WebSocket to a host's routes.</summary>
public static class MqttEndpointRouteBuilderExtensions
{
    /// <summary>Takes MQTT by WebSocket (MQTT 5 §6) at <paramref name="pattern"/>, subprotocol <c>mqtt</c>. The host must call <c>UseWebSockets</c>.</summary>
    public static IEndpointConventionBuilder MapMqtt(this IEndpointRouteBuilder endpoints, string pattern = "/mqtt")
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        return endpoints.Map(pattern, AcceptAsync);
    }

    private static async Task AcceptAsync(HttpContext http)
    {
        if (!http.WebSockets.IsWebSocketRequest || !http.WebSockets.WebSocketRequestedProtocols.Contains("mqtt"))
        {
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
            await http.Response.WriteAsync("Connect by WebSocket with subprotocol 'mqtt'.").ConfigureAwait(false);
            return;
        }

        var limit = http.RequestServices.GetRequiredService<ConnectionLimit>();
        if (!limit.TryEnter())
        {
            http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            await http.Response.WriteAsync("There are too many connections.").ConfigureAwait(false);
            return;
        }

        try
        {
            await RunAsync(http).ConfigureAwait(false);
        }
        finally
        {
            limit.Leave();
        }
    }

    private static async Task RunAsync(HttpContext http)
    {
        using var socket = await http.WebSockets.AcceptWebSocketAsync("mqtt").ConfigureAwait(false);
        var handler = http.RequestServices.GetRequiredService<MqttConnectionHandler>();
        var connection = new WebSocketConnection(socket, http);
        await using (connection.ConfigureAwait(false))
            await connection.RunAsync(handler).ConfigureAwait(false);
    }
}
