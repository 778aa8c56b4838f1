using Insa.Iiot.Tenancy.Records;

namespace Insa.Iiot.Tenancy.Offboarding;

/// <summary>The right of one host to remove a tenant, for a while: a record of the platform.</summary>
internal sealed class RemovalLease
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    private readonly IControlStore _store;
    private readonly TimeProvider _time;
    private ControlRecord _record;

    private RemovalLease(IControlStore store, TimeProvider time, ControlRecord record) => (_store, _time, _record) = (store, time, record);

    /// <returns><see langword="null"/> if another host has it.</returns>
    public static async Task<RemovalLease?> TryTakeAsync(
        IControlStore store,
        TimeProvider time,
        string tenant,
        string host,
        CancellationToken cancellationToken
    )
    {
        var now = time.GetUtcNow().UtcDateTime;
        var seen = await store.FindAsync(ControlScope.Platform, RecordKinds.Removal, tenant, cancellationToken).ConfigureAwait(false);
        if (seen is not null && RecordJson.Read<RemovalRecord>(seen).ExpiresAt > now)
            return null;
        var body = RecordJson.Write(new RemovalRecord(host, now + Lifetime));
        var change = seen is null
            ? ControlChange.Insert(ControlScope.Platform, RecordKinds.Removal, tenant, body)
            : ControlChange.Replace(seen, body);
        var result = await store.CommitAsync([change], cancellationToken).ConfigureAwait(false);
        return result.Outcome == ControlOutcome.Done
            ? new RemovalLease(
                store,
                time,
                new ControlRecord(ControlScope.Platform, RecordKinds.Removal, tenant, (seen?.Version ?? 0) + 1, body)
            )
            : null;
    }

    /// <summary>The change that fails unless the lease is still this host's.</summary>
    public ControlChange Expect() => ControlChange.Expect(_record);

    /// <summary>Does work, and renews the lease as long as it takes; work whose lease is lost is cancelled.</summary>
    public async Task<T> WhileHeldAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        using var lost = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var working = work(lost.Token);
        try
        {
            while (await Task.WhenAny(working, Task.Delay(Lifetime / 3, _time, done.Token)).ConfigureAwait(false) != working)
                await RenewAsync(lost.Token).ConfigureAwait(false);
        }
        finally
        {
            await done.CancelAsync().ConfigureAwait(false);
            if (!working.IsCompleted)
                await lost.CancelAsync().ConfigureAwait(false);
            await ((Task)working).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return await working.ConfigureAwait(false);
    }

    public async Task ReleaseAsync(CancellationToken cancellationToken) =>
        await _store.CommitAsync([ControlChange.Delete(_record)], cancellationToken).ConfigureAwait(false);

    private async Task RenewAsync(CancellationToken cancellationToken)
    {
        var body = RecordJson.Write(RecordJson.Read<RemovalRecord>(_record) with { ExpiresAt = _time.GetUtcNow().UtcDateTime + Lifetime });
        var result = await _store.CommitAsync([ControlChange.Replace(_record, body)], cancellationToken).ConfigureAwait(false);
        if (result.Outcome != ControlOutcome.Done)
            throw TenancyException.Changed();
        _record = _record with { Version = _record.Version + 1, Body = body };
    }
}
