using System.Text;

namespace Insa.Iiot.Protocols.Amqp.Telemetry;

/// <summary>What a binding must be, by itself and beside others.</summary>
internal static class BindingRules
{
    private const int MaxNameBytes = 255;

    /// <returns>What is wrong with it.</returns>
    public static IEnumerable<string> ErrorsOf(AmqpTelemetryBinding binding)
    {
        var queue = binding.Queue;
        if (!IsName(queue))
            yield return "A queue of Amqp:Telemetry has no name, or one of more than 255 bytes.";
        if (!binding.Tenant.IsSpecified)
            yield return $"The queue {queue} of Amqp:Telemetry has no tenant.";
        if (binding.Exchange is { } exchange && !IsName(exchange))
            yield return $"The queue {queue} of Amqp:Telemetry has an exchange without a name, or with one of more than 255 bytes.";
        if (!IsName(binding.RoutingKey))
            yield return $"The queue {queue} of Amqp:Telemetry has no routing key, or one of more than 255 bytes.";
        if (!Enum.IsDefined(binding.Device) || !Enum.IsDefined(binding.QueueType))
            yield return $"The queue {queue} of Amqp:Telemetry has a Device or QueueType that there is not.";
        if (binding.Channels is < 1 or > 64)
            yield return $"The queue {queue} of Amqp:Telemetry has 1 to 64 channels, not {binding.Channels}.";
        if (binding.Prefetch is < 1 or > ushort.MaxValue)
            yield return $"The queue {queue} of Amqp:Telemetry has a prefetch of 1 to 65,535, not {binding.Prefetch}.";
        if (binding.DeliveryLimit is < 1 or > 1000)
            yield return $"The queue {queue} of Amqp:Telemetry has a delivery limit of 1 to 1,000, not {binding.DeliveryLimit}.";
        if (binding.MaxMessages is < 1 || binding.MaxBytes is < 1)
            yield return $"The queue {queue} of Amqp:Telemetry has a MaxMessages and MaxBytes of 1 or more, or none.";
    }

    /// <returns>Why two cannot be beside each other; <see langword="null"/> if they can.</returns>
    public static string? ConflictOf(TelemetryBinding one, TelemetryBinding other)
    {
        if (one.VirtualHost != other.VirtualHost)
            return null;
        if (one.Queue == other.Queue)
            return $"The queue {one.Queue} of Amqp:Telemetry is there twice.";
        return one.Exchange == other.Exchange && one.Tenant != other.Tenant
            ? $"The queues {one.Queue} and {other.Queue} of Amqp:Telemetry are of two tenants and one exchange: each would get the other's telemetry."
            : null;
    }

    private static bool IsName(string? name) => !string.IsNullOrEmpty(name) && Encoding.UTF8.GetByteCount(name) <= MaxNameBytes;
}
