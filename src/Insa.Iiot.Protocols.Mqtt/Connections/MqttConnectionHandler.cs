using Insa.Iiot.Protocols.Mqtt.Diagnostics;
using Insa.Iiot.Protocols.Mqtt.Messaging;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Protocols.Mqtt.Connections;

/// <summary>Takes connections from Kestrel.</summary>
internal sealed class MqttConnectionHandler(
    IOptions<MqttEndpointOptions> options,
    ITelemetryIngress ingress,
    IDeviceAuthenticator authenticator,
    ClientRegistry clients,
    DeviceBroker broker,
    MqttMetrics metrics,
    TimeProvider time,
    ILogger<MqttConnectionHandler> logger,
    IDeviceCommands? commands = null
) : ConnectionHandler
{
    public override async Task OnConnectedAsync(ConnectionContext connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        metrics.Connected(1);
        try
        {
            var handshake = new MqttHandshake(connection, options.Value, authenticator, metrics, time, logger);
            if (await handshake.RunAsync().ConfigureAwait(false) is { } client)
            {
                await new MqttConnection(connection, client, options.Value, ingress, broker, commands, metrics, time, logger)
                    .RunAsync(clients)
                    .ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ConnectionAbortedException or ConnectionResetException)
        {
            // The client is gone. What it had not been acknowledged it sends again.
            logger.ConnectionLost(connection.ConnectionId);
        }
        catch (Exception e)
        {
            metrics.Refused(MqttMetrics.InternalError);
            logger.ConnectionFailed(e, connection.ConnectionId);
        }
        finally
        {
            metrics.Connected(-1);
        }
    }
}
