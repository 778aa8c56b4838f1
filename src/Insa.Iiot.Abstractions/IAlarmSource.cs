namespace Insa.Iiot;

/// <summary>
/// The alarms of tenants: where a protocol adapter reads, follows and acknowledges them, whoever finds and keeps them. Thread-safe, and safe between hosts.
/// </summary>
/// <remarks>
/// Implemented once in a host, by what raises alarms. An adapter takes it as an optional service: it follows <see cref="Changed"/> as long as it runs, and reads
/// the retained alarms when somebody asks for all. So neither knows the other, and there may be any number of adapters. Who may act is for the adapter to say, by the
/// permissions <c>alarms:read</c> and <c>alarms:act</c> of its user.
/// </remarks>
public interface IAlarmSource
{
    /// <summary>The most alarms of a tenant that are retained at a time.</summary>
    const int MaxRetained = 10_000;

    /// <summary>
    /// Tells of each new state of an alarm, whichever host it came about on: the states of one alarm in their order, now and then one twice. Handlers return at once
    /// and do not throw.
    /// </summary>
    event Action<AlarmState>? Changed;

    /// <summary>Reads all alarms of a tenant that are retained.</summary>
    /// <exception cref="TelemetryStoreException">They cannot be read now.</exception>
    ValueTask<IReadOnlyList<AlarmState>> ReadRetainedAsync(TenantId tenant, CancellationToken cancellationToken = default);

    /// <summary>Acknowledges an alarm; durable when it returns.</summary>
    /// <exception cref="ArgumentException">The action is not valid.</exception>
    /// <exception cref="TelemetryStoreException">It cannot be kept now.</exception>
    ValueTask<AlarmActionResult> AcknowledgeAsync(TenantId tenant, AlarmAction action, CancellationToken cancellationToken = default);

    /// <summary>Sets the comment of an alarm, acknowledged or not; durable when it returns.</summary>
    /// <exception cref="ArgumentException">The action is not valid.</exception>
    /// <exception cref="TelemetryStoreException">It cannot be kept now.</exception>
    ValueTask<AlarmActionResult> CommentAsync(TenantId tenant, AlarmAction action, CancellationToken cancellationToken = default);
}
