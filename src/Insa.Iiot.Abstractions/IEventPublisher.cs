namespace Insa.Iiot;

/// <summary>Tells other systems what has happened. Thread-safe, and safe between hosts.</summary>
public interface IEventPublisher
{
    /// <summary>
    /// Publishes an event; durable when it returns. It is delivered in the background, a tenant's events in their order, at least once: one that comes twice has
    /// the same <see cref="PlatformEvent.Id"/>.
    /// </summary>
    /// <exception cref="ArgumentException">The event is not valid.</exception>
    /// <exception cref="LimitReachedException">As many events of the tenant wait as may.</exception>
    /// <exception cref="TelemetryStoreException">The store cannot keep it now.</exception>
    ValueTask PublishAsync(PlatformEvent platformEvent, CancellationToken cancellationToken = default);
}
