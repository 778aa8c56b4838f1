using Insa.Iiot.Protocols.Amqp.Diagnostics;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Protocols.Amqp.Events;

/// <summary>Takes events into the outbox; without one, where events are off, they are dropped as those to which nobody listens.</summary>
internal sealed class EventPublisher : IEventPublisher
{
    private readonly AmqpMetrics _metrics;

    public EventPublisher(IOptions<AmqpOptions> options, AmqpMetrics metrics, TimeProvider time, IControlStore? store = null)
    {
        _metrics = metrics;
        if (options.Value.Events is { } events && store is not null)
            Outbox = new EventOutbox(store, time, events.MaxWaiting);
    }

    public EventOutbox? Outbox { get; }

    /// <summary>Told of a tenant that has a new event.</summary>
    public Action<TenantId>? Added { get; set; }

    public async ValueTask PublishAsync(PlatformEvent platformEvent, CancellationToken cancellationToken = default)
    {
        EventRules.Check(platformEvent);
        if (Outbox is null)
        {
            _metrics.EventDropped("off");
            return;
        }

        var record = new EventRecord(
            platformEvent.Id ?? Guid.NewGuid().ToString("N"),
            platformEvent.Type,
            platformEvent.Subject,
            platformEvent.Time.Kind == DateTimeKind.Unspecified
                ? DateTime.SpecifyKind(platformEvent.Time, DateTimeKind.Utc)
                : platformEvent.Time.ToUniversalTime(),
            platformEvent.DataContentType,
            platformEvent.Data.ToArray()
        );
        await Outbox.AddAsync(platformEvent.Tenant, record, cancellationToken).ConfigureAwait(false);
        Added?.Invoke(platformEvent.Tenant);
    }
}
