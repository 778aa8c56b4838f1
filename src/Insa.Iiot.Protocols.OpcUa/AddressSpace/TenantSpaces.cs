namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>The spaces of the tenants that have sessions: made with a tenant's first one, and kept for a while after its last. Thread-safe.</summary>
internal sealed class TenantSpaces(SpaceShared shared, SpaceSource source, IEnumerable<ISpaceListener> listeners, TimeProvider time)
{
    /// <summary>How long a space is kept without a session, so that a client that comes back finds it.</summary>
    public static readonly TimeSpan KeptFor = TimeSpan.FromMinutes(5);

    private readonly Lock _lock = new();
    private readonly Dictionary<TenantId, Entry> _entries = [];
    private readonly ISpaceListener _listener = new SpaceListeners([.. listeners]);

    /// <summary>Finds a tenant's space for a session, filled from the store. <see cref="Release"/> it when the session is gone.</summary>
    /// <exception cref="TelemetryStoreException">The store cannot be reached.</exception>
    public async ValueTask<TenantSpace> AcquireAsync(TenantId tenant, CancellationToken cancellationToken)
    {
        Entry? entry;
        lock (_lock)
        {
            if (!_entries.TryGetValue(tenant, out entry) || entry.Filled.IsFaulted)
            {
                var space = new TenantSpace(tenant, shared) { Listener = _listener };

                // Not the caller's cancellation: others may wait for the same space.
                _entries[tenant] = entry = new Entry(
                    space,
                    Task.Run(() => source.ReconcileAsync(space, CancellationToken.None), CancellationToken.None)
                );
            }

            entry.Sessions++;
        }

        try
        {
            await entry.Filled.WaitAsync(cancellationToken).ConfigureAwait(false);
            return entry.Space;
        }
        catch
        {
            Release(entry.Space);
            throw;
        }
    }

    /// <summary>Keeps a space that is in use for one more, such as a subscription that outlives its session. <see cref="Release"/> it then.</summary>
    public void Hold(TenantSpace space)
    {
        lock (_lock)
        {
            if (_entries.TryGetValue(space.Tenant, out var entry) && ReferenceEquals(entry.Space, space))
                entry.Sessions++;
        }
    }

    /// <summary>Says that a session does not need its tenant's space any more.</summary>
    public void Release(TenantSpace space)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(space.Tenant, out var entry) || !ReferenceEquals(entry.Space, space))
                return;
            entry.Sessions--;
            entry.IdleSince = time.GetTimestamp();
        }
    }

    /// <summary>Finds a tenant's space if there is one.</summary>
    public TenantSpace? Find(TenantId tenant)
    {
        lock (_lock)
            return _entries.GetValueOrDefault(tenant)?.Space;
    }

    /// <summary>The spaces with sessions that are filled; those that have long been without any are forgotten.</summary>
    public IReadOnlyList<TenantSpace> ListUsed()
    {
        lock (_lock)
        {
            foreach (var (tenant, entry) in _entries)
            {
                if (entry.Sessions == 0 && (entry.Filled.IsFaulted || time.GetElapsedTime(entry.IdleSince) >= KeptFor))
                    _entries.Remove(tenant);
            }

            return
            [
                .. _entries
                    .Values.Where(entry => entry is { Sessions: > 0, Filled.IsCompletedSuccessfully: true })
                    .Select(entry => entry.Space),
            ];
        }
    }

    private sealed class Entry(TenantSpace space, Task filled)
    {
        public TenantSpace Space => space;

        public Task Filled => filled;

        public int Sessions { get; set; }

        public long IdleSince { get; set; }
    }
}
