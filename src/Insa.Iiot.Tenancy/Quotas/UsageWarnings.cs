using Insa.Iiot.Tenancy.Diagnostics;
using Insa.Iiot.Tenancy.Records;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Tenancy.Quotas;

/// <summary>Warns of limits that have come to four fifths: whoever stores the warning first tells it.</summary>
internal sealed class UsageWarnings(
    QuotaContext context,
    QuotaMetrics metrics,
    IEnumerable<IUsageWarningObserver> observers,
    ILogger<UsageWarnings> logger
)
{
    private readonly IUsageWarningObserver[] _observers = [.. observers];

    public async ValueTask CheckAsync(TenantQuota quota, CancellationToken cancellationToken)
    {
        var counters = await context.Store.ReadCountersAsync(quota.Tenant, cancellationToken).ConfigureAwait(false);
        var period = QuotaPeriod.Of(context.UtcNow).Name;
        foreach (var (name, used, most) in counters)
        {
            if (most is not > 0 || used < most - (most / 5))
                continue;
            var at = name.IndexOf('@', StringComparison.Ordinal);
            if (at < 0)
                await WarnAsync(quota, LimitKind.Count, name, period, most.Value, used, cancellationToken).ConfigureAwait(false);
            else if (name.AsSpan(at + 1).SequenceEqual(period))
                await WarnAsync(quota, LimitKind.Amount, name[..at], period, most.Value, used, cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask WarnAsync(
        TenantQuota quota,
        LimitKind kind,
        string name,
        string period,
        long limit,
        long used,
        CancellationToken cancellationToken
    )
    {
        var id = $"{name}@{period}";
        if (quota.Warned.Contains(id))
            return;
        var at = context.UtcNow;
        var body = RecordJson.Write(new UsageWarningRecord(kind, name, period, limit, used, at));
        var result = await context
            .Store.CommitAsync([ControlChange.Insert(ControlScope.Of(quota.Tenant), RecordKinds.UsageWarning, id, body)], cancellationToken)
            .ConfigureAwait(false);
        quota.Warned.Add(id);
        if (result.Outcome != ControlOutcome.Done)
            return;
        metrics.Warned(kind);
        logger.UsageWarning(quota.Tenant.Value, used, limit, name, period);
        await TellAsync(new UsageWarning(quota.Tenant, kind, name, period, limit, used, at), cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask TellAsync(UsageWarning warning, CancellationToken cancellationToken)
    {
        foreach (var observer in _observers)
        {
            try
            {
                await observer.OnWarningAsync(warning, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                logger.ObserverFailed(e, observer.GetType().Name);
            }
        }
    }
}
