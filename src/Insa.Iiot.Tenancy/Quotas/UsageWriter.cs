using System.Globalization;
using Insa.Iiot.Tenancy.Records;

namespace Insa.Iiot.Tenancy.Quotas;

/// <summary>Writes what was used into the ledger, one record per host, tenant and flush; a record is never changed.</summary>
internal sealed class UsageWriter(QuotaContext context)
{
    /// <summary>After this, what belongs to an hour that is over goes to the hour that runs, so that exports of closed hours never change.</summary>
    private static readonly TimeSpan Lateness = UsageLedger.ClosingDelay / 2;

    private readonly string _host = Guid.CreateVersion7().ToString("N");
    private long _number;

    /// <summary>Writes a tenant's usage since the last time, for an hour. One call at a time for each tenant.</summary>
    public async ValueTask WriteAsync(TenantQuota quota, DateTime hour, CancellationToken cancellationToken)
    {
        if (quota.Pending is { } left)
            await WriteAsync(quota, left, cancellationToken).ConfigureAwait(false);
        if (!quota.Exists)
            return;
        var numbers = quota.Tally.Take();
        if (numbers.IsEmpty)
            return;
        var body = new UsageRecord(
            numbers.Messages,
            numbers.Points,
            numbers.Bytes,
            numbers.RefusedInactive,
            numbers.RefusedQuota,
            numbers.RefusedRate,
            context.UtcNow
        );
        quota.Pending = new PendingUsage(hour, NextId(hour), body);
        await WriteAsync(quota, quota.Pending, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask WriteAsync(TenantQuota quota, PendingUsage usage, CancellationToken cancellationToken)
    {
        var scope = ControlScope.Of(quota.Tenant);
        if (context.UtcNow > usage.Hour.AddHours(1) + Lateness)
        {
            // An earlier try may have been made though it seemed to fail.
            if (await context.Store.FindAsync(scope, RecordKinds.Usage, usage.Id, cancellationToken).ConfigureAwait(false) is not null)
            {
                quota.Pending = null;
                return;
            }

            var hour = UsageLedger.HourOf(context.UtcNow);
            quota.Pending = usage = usage with { Hour = hour, Id = NextId(hour) };
        }

        // Exists: an earlier try was made; the id is nobody else's.
        await context
            .Store.CommitAsync([ControlChange.Insert(scope, RecordKinds.Usage, usage.Id, RecordJson.Write(usage.Body))], cancellationToken)
            .ConfigureAwait(false);
        quota.Pending = null;
    }

    private string NextId(DateTime hour) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{hour.ToString(UsageLedger.HourFormat, CultureInfo.InvariantCulture)}.{_host}.{Interlocked.Increment(ref _number):D10}"
        );
}
