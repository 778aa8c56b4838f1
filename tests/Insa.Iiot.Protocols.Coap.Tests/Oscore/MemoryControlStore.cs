using System.Collections.Concurrent;

namespace Insa.Iiot.Protocols.Coap.Tests.Oscore;

/// <summary>The records of the control plane that sequence numbers are kept in, in memory.</summary>
internal sealed class MemoryControlStore : IControlStore
{
    private readonly Lock _lock = new();

    public ConcurrentDictionary<(ControlScope Scope, string Kind, string Id), ControlRecord> Records { get; } = new();

    public bool IsDown { get; set; }

    public ValueTask<ControlRecord?> FindAsync(ControlScope scope, string kind, string id, CancellationToken cancellationToken = default)
    {
        if (IsDown)
            throw new TelemetryStoreException("The store is down.", isTransient: true);
        return ValueTask.FromResult(Records.GetValueOrDefault((scope, kind, id)));
    }

    public ValueTask<ControlResult> CommitAsync(IReadOnlyList<ControlChange> changes, CancellationToken cancellationToken = default)
    {
        var change = Assert.Single(changes);
        var key = (change.Scope, change.Kind, change.Id);
        lock (_lock)
        {
            var known = Records.GetValueOrDefault(key);
            if (change.Verb == ControlVerb.Insert && known is not null)
                return ValueTask.FromResult(new ControlResult(ControlOutcome.Exists, 0));
            if (change.Verb == ControlVerb.Replace && known?.Version != change.Version)
                return ValueTask.FromResult(new ControlResult(ControlOutcome.Changed, 0));
            Records[key] = new ControlRecord(change.Scope, change.Kind, change.Id, (known?.Version ?? 0) + 1, change.Body);
            return ValueTask.FromResult(ControlResult.Done);
        }
    }

    public ValueTask<ControlRecord?> FindByKeyAsync(
        ControlScope scope,
        string kind,
        string key,
        CancellationToken cancellationToken = default
    ) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<ControlRecord>> ListAsync(
        ControlScope scope,
        string kind,
        string? after,
        int limit,
        CancellationToken cancellationToken = default
    ) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<ControlCounter>> ReadCountersAsync(TenantId tenant, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();
}
