using System.Globalization;
using System.Security.Cryptography;

namespace Insa.Iiot.Protocols.Amqp.Events;

/// <summary>
/// Keeps events until the broker has them: records of the tenant, and of the platform a head for each tenant that has any. One host at a time sends a
/// tenant's events, as its head says. Thread-safe, and safe between hosts.
/// </summary>
internal sealed class EventOutbox(IControlStore store, TimeProvider time, int maxWaiting)
{
    /// <summary>How long a host is a tenant's sender without saying so again: as long a tenant's events wait when a host is killed.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(20);

    private const string HeadKind = "event-outbox"; // the platform's
    private const string EventKind = "event";
    private const int Attempts = 32;
    private const int PageSize = 500;

    private readonly string _owner = RandomNumberGenerator.GetHexString(16, lowercase: true);

    // Callers of this host do not race each other for a head. Tenants that share a gate only wait for each other.
    private readonly SemaphoreSlim[] _gates = [.. Enumerable.Range(0, 64).Select(_ => new SemaphoreSlim(1, 1))];

    /// <summary>Whether this host reaches the broker as far as it knows: only then it becomes the sender of what it keeps.</summary>
    public bool CanSend { get; set; } = true;

    /// <summary>Keeps an event; durable when it returns.</summary>
    /// <exception cref="LimitReachedException">As many wait as may.</exception>
    public Task AddAsync(TenantId tenant, EventRecord one, CancellationToken cancellationToken) =>
        ChangeAsync(
            tenant,
            head =>
            {
                var old = head is null ? null : EventJson.Read<OutboxRecord>(head);
                if (old?.Waiting >= maxWaiting)
                    throw new LimitReachedException("waiting events");

                // The time, so that numbers ascend also when a head begins anew.
                var now = time.GetUtcNow();
                var number = Math.Max((old?.Last ?? 0) + 1, now.UtcTicks / TimeSpan.TicksPerMicrosecond);
                old ??= new OutboxRecord(0, 0, null, default);
                var wanted = (CanSend ? Claim(old) : old) with { Last = number, Waiting = old.Waiting + 1 };
                return
                [
                    head is null
                        ? ControlChange.Insert(ControlScope.Platform, HeadKind, tenant.Value, EventJson.Write(wanted))
                        : ControlChange.Replace(head, EventJson.Write(wanted)),
                    ControlChange.Insert(ControlScope.Of(tenant), EventKind, IdOf(number), EventJson.Write(one)),
                ];
            },
            cancellationToken
        );

    /// <summary>Lists the tenants that have events which no other host sends.</summary>
    public async ValueTask<List<TenantId>> ListAsync(CancellationToken cancellationToken)
    {
        var found = new List<TenantId>();
        for (string? after = null; ; )
        {
            var page = await store.ListAsync(ControlScope.Platform, HeadKind, after, PageSize, cancellationToken).ConfigureAwait(false);
            foreach (var head in page)
            {
                if (!IsOthers(EventJson.Read<OutboxRecord>(head)) && TenantId.TryParse(head.Id, out var tenant))
                    found.Add(tenant);
            }

            if (page.Count < PageSize)
                return found;
            after = page[^1].Id;
        }
    }

    /// <summary>Becomes the tenant's sender, or stays it.</summary>
    /// <returns><see langword="false"/> if another host is, or nothing waits.</returns>
    public async ValueTask<bool> TryClaimAsync(TenantId tenant, CancellationToken cancellationToken)
    {
        var isClaimed = false;
        await ChangeAsync(
                tenant,
                head =>
                {
                    var old = head is null ? null : EventJson.Read<OutboxRecord>(head);
                    isClaimed = old is not null && !IsOthers(old);
                    if (!isClaimed || (old!.Owner == _owner && old.Until - time.GetUtcNow().UtcDateTime > Lease / 2))
                        return [];
                    return [ControlChange.Replace(head!, EventJson.Write(Claim(old)))];
                },
                cancellationToken
            )
            .ConfigureAwait(false);
        return isClaimed;
    }

    /// <summary>Reads the tenant's next events, in order.</summary>
    public ValueTask<IReadOnlyList<ControlRecord>> ReadAsync(TenantId tenant, int limit, CancellationToken cancellationToken) =>
        store.ListAsync(ControlScope.Of(tenant), EventKind, after: null, limit, cancellationToken);

    /// <summary>Deletes events that the broker has, and with the last one the head.</summary>
    /// <returns>Whether none is left.</returns>
    public async ValueTask<bool> RemoveAsync(TenantId tenant, IReadOnlyList<ControlRecord> sent, CancellationToken cancellationToken)
    {
        List<ControlRecord> left = [.. sent];
        var isEmpty = false;
        await ChangeAsync(
                tenant,
                head =>
                {
                    List<ControlChange> changes = [.. left.Select(ControlChange.Delete)];
                    var waiting = head is null ? 0 : EventJson.Read<OutboxRecord>(head).Waiting - left.Count;
                    isEmpty = waiting <= 0;
                    if (head is not null)
                        changes.Add(
                            isEmpty
                                ? ControlChange.Delete(head)
                                : ControlChange.Replace(
                                    head,
                                    EventJson.Write(EventJson.Read<OutboxRecord>(head) with { Waiting = waiting })
                                )
                        );
                    return changes;
                },
                cancellationToken,
                ForgetAsync
            )
            .ConfigureAwait(false);
        return isEmpty;

        // Another host took over and was faster, or the tenant is erased.
        async Task ForgetAsync()
        {
            var there = await ReadAsync(tenant, PageSize, cancellationToken).ConfigureAwait(false);
            left.RemoveAll(one => there.All(other => other.Id != one.Id));
        }
    }

    /// <summary>Ends an outbox in which no event was found.</summary>
    /// <returns><see langword="false"/> if one has come meanwhile.</returns>
    public async ValueTask<bool> TryCloseAsync(TenantId tenant, CancellationToken cancellationToken)
    {
        if (await FindHeadAsync(tenant, cancellationToken).ConfigureAwait(false) is not { } head)
            return true;
        if ((await ReadAsync(tenant, 1, cancellationToken).ConfigureAwait(false)).Count > 0)
            return false;
        var result = await store.CommitAsync([ControlChange.Delete(head)], cancellationToken).ConfigureAwait(false);
        return result.Outcome == ControlOutcome.Done;
    }

    /// <summary>Lets another host send the tenant's events.</summary>
    public Task ReleaseAsync(TenantId tenant, CancellationToken cancellationToken) =>
        ChangeAsync(
            tenant,
            head =>
                head is not null && EventJson.Read<OutboxRecord>(head) is { } old && old.Owner == _owner
                    ? [ControlChange.Replace(head, EventJson.Write(old with { Owner = null, Until = default }))]
                    : [],
            cancellationToken
        );

    // As wide as any number, so that the order of ids is theirs.
    private static string IdOf(long number) => number.ToString("x16", CultureInfo.InvariantCulture);

    private OutboxRecord Claim(OutboxRecord old) =>
        IsOthers(old) ? old : old with { Owner = _owner, Until = time.GetUtcNow().UtcDateTime + Lease };

    private bool IsOthers(OutboxRecord head) => head.Owner is { } owner && owner != _owner && head.Until > time.GetUtcNow().UtcDateTime;

    private ValueTask<ControlRecord?> FindHeadAsync(TenantId tenant, CancellationToken cancellationToken) =>
        store.FindAsync(ControlScope.Platform, HeadKind, tenant.Value, cancellationToken);

    /// <param name="tenant">The tenant.</param>
    /// <param name="change">Says from its head what to change; nothing ends it.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <param name="failed">What to do before it is tried again.</param>
    private async Task ChangeAsync(
        TenantId tenant,
        Func<ControlRecord?, List<ControlChange>> change,
        CancellationToken cancellationToken,
        Func<Task>? failed = null
    )
    {
        var gate = _gates[(uint)tenant.GetHashCode() % _gates.Length];
        await gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            for (var attempt = 0; attempt < Attempts; attempt++)
            {
                var changes = change(await FindHeadAsync(tenant, cancellationToken).ConfigureAwait(false));
                if (changes.Count == 0)
                    return;
                var result = await store.CommitAsync(changes, cancellationToken).ConfigureAwait(false);
                if (result.Outcome == ControlOutcome.Done)
                    return;
                if (failed is not null)
                    await failed().ConfigureAwait(false);
            }
        }
        finally
        {
            gate.Release();
        }

        throw new TelemetryStoreException("The events of one tenant are changed by too many hosts at once.", isTransient: true);
    }
}
