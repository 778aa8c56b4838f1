using System.Globalization;
using Insa.Iiot.Tenancy.Diagnostics;
using Insa.Iiot.Tenancy.Records;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Tenancy.Quotas;

/// <summary>Measures once a day what is stored of every tenant, and charges it as one day of so many bytes: once, whichever hosts are at it.</summary>
internal sealed class StorageMetering(
    IControlStore store,
    TenantDirectory directory,
    IEnumerable<ITelemetryStorageMeter> meters,
    TimeProvider time,
    QuotaMetrics metrics,
    ILogger<StorageMetering> logger
) : BackgroundService
{
    private const int Page = 200;
    private const int Attempts = 5;
    private static readonly TimeSpan Period = TimeSpan.FromHours(1);

    private readonly string _host = Guid.CreateVersion7().ToString("N");

    private DateTime UtcNow => time.GetUtcNow().UtcDateTime;

    /// <summary>The id of a day's record.</summary>
    public static string IdOf(DateOnly day) => day.ToString("yyyyMMdd", CultureInfo.InvariantCulture);

    /// <summary>Measures and charges today, unless that is done.</summary>
    public async Task RunOnceAsync(CancellationToken cancellationToken)
    {
        if (meters.FirstOrDefault() is not { } meter)
            return;
        var now = UtcNow;
        if (await StorageRun.TryTakeAsync(store, now, _host, cancellationToken).ConfigureAwait(false) is not { } run)
            return;
        var isDone = false;
        try
        {
            var sizes = await meter.MeasureAsync(cancellationToken).ConfigureAwait(false);
            await ChargeAsync(sizes.ToDictionary(size => size.Tenant, size => size.Bytes), now, cancellationToken).ConfigureAwait(false);
            isDone = true;
        }
        finally
        {
            await run.EndAsync(isDone, CancellationToken.None).ConfigureAwait(false);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        do
        {
            try
            {
                await RunOnceAsync(stoppingToken).ConfigureAwait(false);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                metrics.Failed();
                logger.StorageNotMeasured(e);
            }
        } while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
    }

    private async Task ChargeAsync(Dictionary<TenantId, long> sizes, DateTime measuredAt, CancellationToken cancellationToken)
    {
        string? after = null;
        IReadOnlyList<ControlRecord> page;
        do
        {
            page = await store.ListAsync(ControlScope.Platform, RecordKinds.Tenant, after, Page, cancellationToken).ConfigureAwait(false);
            foreach (var record in page)
            {
                var bytes = sizes.GetValueOrDefault(TenantId.Parse(record.Id));
                await ChargeAsync(record, bytes, measuredAt, cancellationToken).ConfigureAwait(false);
                after = record.Id;
            }
        } while (page.Count == Page);
    }

    // Also of one that is suspended or leaves: what it has is kept. Of one that is deleted nothing more is written.
    private async Task ChargeAsync(ControlRecord? record, long bytes, DateTime measuredAt, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < Attempts && record is not null; attempt++)
        {
            var tenant = RecordJson.Read<TenantRecord>(record);
            if (tenant.State == TenantState.Deleted)
                return;
            var changes = Changes(record, tenant, bytes, measuredAt);
            var result = await store.CommitAsync(changes, cancellationToken).ConfigureAwait(false);
            if (result.Outcome != ControlOutcome.Changed)
                return;
            record = await store.FindAsync(ControlScope.Platform, RecordKinds.Tenant, record.Id, cancellationToken).ConfigureAwait(false);
        }

        if (record is not null)
            throw TenancyException.Changed();
    }

    private List<ControlChange> Changes(ControlRecord record, TenantRecord tenant, long bytes, DateTime measuredAt)
    {
        var id = TenantId.Parse(record.Id);
        var (scope, now) = (ControlScope.Of(id), UtcNow);
        var day = DateOnly.FromDateTime(measuredAt);

        // The day's record is there once: what follows is done with it or not at all.
        var changes = new List<ControlChange>
        {
            ControlChange.Expect(record),
            ControlChange.Insert(scope, RecordKinds.StorageDay, IdOf(day), RecordJson.Write(new StorageDayRecord(bytes, measuredAt))),
        };
        if (bytes == 0)
            return changes;
        var hour = UsageLedger.HourOf(now).ToString(UsageLedger.HourFormat, CultureInfo.InvariantCulture);
        var usage = new UsageRecord(0, 0, 0, 0, 0, 0, now, StorageDays: bytes);
        changes.Add(ControlChange.Insert(scope, RecordKinds.Usage, $"{hour}.{_host}.{IdOf(day)}", RecordJson.Write(usage)));

        // What is stored is charged, also past the limit: the bound is taken away and set again.
        var counter = $"{TenantAmounts.StorageDays}@{QuotaPeriod.Of(measuredAt).Name}";
        var limit = directory.LimitOf(tenant, TenantAmounts.StorageDays, ofUnknownPlan: null);
        changes.Add(ControlChange.Bound(id, counter, least: null, most: null));
        changes.Add(ControlChange.Count(id, counter, bytes));
        changes.Add(ControlChange.Bound(id, counter, least: null, limit));
        return changes;
    }
}
