namespace Insa.Iiot.Protocols.Amqp;

/// <summary>Where a message says which device it is of.</summary>
public enum AmqpDeviceSource
{
    /// <summary>The routing key, <c>telemetry.{device}</c>: for publishers who may speak for all devices of the tenant.</summary>
    RoutingKey,

    /// <summary>The property <c>user-id</c>, which the broker checks against the login: <c>{device}</c> or <c>{device}@{tenant}</c>.</summary>
    UserId,

    /// <summary>
    /// The property <c>device_id</c> of the message, which is platform JSON: for publishers who may speak for all devices of the tenant. Of an array it is the
    /// first one's; the others are the same device, or devices that it is the gateway of.
    /// </summary>
    Payload,
}
