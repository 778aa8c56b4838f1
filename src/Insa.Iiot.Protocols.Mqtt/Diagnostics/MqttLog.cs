using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Protocols.Mqtt.Diagnostics;

// Ids are part of the package's contract: append, never renumber. Mqtt owns 3000-3999.
internal static partial class MqttLog
{
    [LoggerMessage(3000, LogLevel.Debug, "Device {Device} of tenant {Tenant} connected by MQTT version {Version}")]
    public static partial void Connected(this ILogger logger, TenantId tenant, DeviceId device, byte version);

    [LoggerMessage(3001, LogLevel.Debug, "The client of connection {Connection} is gone")]
    public static partial void ConnectionLost(this ILogger logger, string connection);

    [LoggerMessage(3002, LogLevel.Error, "Connection {Connection} failed")]
    public static partial void ConnectionFailed(this ILogger logger, Exception exception, string connection);

    [LoggerMessage(3003, LogLevel.Warning, "Devices cannot be authenticated; they are told to come back")]
    public static partial void AuthenticatorUnavailable(this ILogger logger, Exception exception);
}
