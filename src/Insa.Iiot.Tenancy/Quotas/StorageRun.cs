using Insa.Iiot.Tenancy.Records;

namespace Insa.Iiot.Tenancy.Quotas;

/// <summary>One host's turn to measure a day's storage: a record of the platform. It saves the others the work; that nothing is charged twice does not hang on it.</summary>
internal sealed class StorageRun
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(2);

    private const string Id = "storage";

    private readonly IControlStore _store;
    private readonly ControlRecord _record;

    private StorageRun(IControlStore store, ControlRecord record) => (_store, _record) = (store, record);

    /// <returns><see langword="null"/> if the day is done, or another host is at it.</returns>
    public static async ValueTask<StorageRun?> TryTakeAsync(
        IControlStore store,
        DateTime utcNow,
        string host,
        CancellationToken cancellationToken
    )
    {
        var day = DateOnly.FromDateTime(utcNow);
        var seen = await store.FindAsync(ControlScope.Platform, RecordKinds.StorageRun, Id, cancellationToken).ConfigureAwait(false);
        if (seen is not null && RecordJson.Read<StorageRunRecord>(seen) is var last)
        {
            // A later day: our clock is behind that of its host.
            if (last.Day > day || (last.Day == day && last.IsDone) || (!last.IsDone && last.ExpiresAt > utcNow))
                return null;
        }

        var body = RecordJson.Write(new StorageRunRecord(day, host, utcNow + Lifetime, IsDone: false));
        var change = seen is null
            ? ControlChange.Insert(ControlScope.Platform, RecordKinds.StorageRun, Id, body)
            : ControlChange.Replace(seen, body);
        var result = await store.CommitAsync([change], cancellationToken).ConfigureAwait(false);
        return result.Outcome == ControlOutcome.Done
            ? new StorageRun(store, new ControlRecord(ControlScope.Platform, RecordKinds.StorageRun, Id, (seen?.Version ?? 0) + 1, body))
            : null;
    }

    /// <summary>Says that the day is done; or that it is not, and whose turn it is is free again.</summary>
    public async ValueTask EndAsync(bool isDone, CancellationToken cancellationToken)
    {
        var body = RecordJson.Read<StorageRunRecord>(_record) with { IsDone = isDone, ExpiresAt = DateTime.MinValue };

        // Changed: it took so long that another host has taken over.
        await _store.CommitAsync([ControlChange.Replace(_record, RecordJson.Write(body))], cancellationToken).ConfigureAwait(false);
    }
}
