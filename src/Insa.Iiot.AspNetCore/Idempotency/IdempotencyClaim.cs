using System.Text.Json;

namespace Insa.Iiot.AspNetCore.Idempotency;

/// <summary>A request that this host works on: nobody else begins it, for as long as this is renewed.</summary>
internal sealed class IdempotencyClaim : IAsyncDisposable
{
    /// <summary>After this, what a host had begun when it died can be tried again.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    // Two may fail before the third is too late.
    private static readonly TimeSpan Interval = Patience / 4;

    private readonly IControlStore _store;
    private readonly TimeProvider _time;
    private readonly byte[] _request;
    private readonly PeriodicTimer _timer;
    private readonly Task _renewal;
    private ControlRecord _record;

    private IdempotencyClaim(IControlStore store, TimeProvider time, ControlRecord record, byte[] request)
    {
        (_store, _time, _record, _request) = (store, time, record, request);
        _timer = new PeriodicTimer(Interval, time);
        _renewal = RenewAsync();
    }

    /// <returns><see langword="null"/> if somebody else was faster.</returns>
    public static async ValueTask<IdempotencyClaim?> TryTakeAsync(
        IControlStore store,
        TimeProvider time,
        (ControlScope Scope, string Id) place,
        ControlRecord? expired,
        byte[] request,
        CancellationToken cancellationToken
    )
    {
        var begun = Write(new IdempotencyRecord(request, time.GetUtcNow().UtcDateTime + Patience, Answer: null));
        var change = expired is null
            ? ControlChange.Insert(place.Scope, IdempotencyFilter.Kind, place.Id, begun)
            : ControlChange.Replace(expired, begun);
        var result = await store.CommitAsync([change], cancellationToken).ConfigureAwait(false);
        if (result.Outcome != ControlOutcome.Done)
            return null;
        var mine = new ControlRecord(place.Scope, IdempotencyFilter.Kind, place.Id, (expired?.Version ?? 0) + 1, begun);
        return new IdempotencyClaim(store, time, mine, request);
    }

    /// <summary>Ends with an answer that is given again.</summary>
    public async ValueTask KeepAsync(byte[] answer, TimeSpan lifetime)
    {
        await DisposeAsync().ConfigureAwait(false);
        await ReplaceAsync(new IdempotencyRecord(_request, _time.GetUtcNow().UtcDateTime + lifetime, answer)).ConfigureAwait(false);
    }

    /// <summary>Ends with nothing done: the request may be tried again at once.</summary>
    public async ValueTask GiveUpAsync()
    {
        await DisposeAsync().ConfigureAwait(false);
        await _store.CommitAsync([ControlChange.Delete(_record)], CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Stops renewing: what is not kept or given up lapses after a while.</summary>
    public async ValueTask DisposeAsync()
    {
        _timer.Dispose();
        await _renewal.ConfigureAwait(false);
    }

    private async Task RenewAsync()
    {
        while (await _timer.WaitForNextTickAsync(CancellationToken.None).ConfigureAwait(false))
        {
            try
            {
                var next = new IdempotencyRecord(_request, _time.GetUtcNow().UtcDateTime + Patience, Answer: null);
                if (!await ReplaceAsync(next).ConfigureAwait(false))
                    return;
            }
            catch (TelemetryStoreException)
            {
                // The next tick may be in time yet.
            }
        }
    }

    // What was begun is done: that the caller has gone does not undo it.
    private async ValueTask<bool> ReplaceAsync(IdempotencyRecord next)
    {
        var body = Write(next);
        var result = await _store.CommitAsync([ControlChange.Replace(_record, body)], CancellationToken.None).ConfigureAwait(false);
        if (result.Outcome != ControlOutcome.Done)
            return false;
        _record = _record with { Version = _record.Version + 1, Body = body };
        return true;
    }

    private static byte[] Write(IdempotencyRecord record) =>
        JsonSerializer.SerializeToUtf8Bytes(record, IdempotencyJson.Default.IdempotencyRecord);
}
