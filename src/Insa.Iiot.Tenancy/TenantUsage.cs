using Insa.Iiot.Tenancy.Quotas;
using Insa.Iiot.Tenancy.Records;

namespace Insa.Iiot.Tenancy;

/// <summary>How the limits of tenants stand: counts, rates and amounts. Thread-safe.</summary>
public sealed class TenantUsage
{
    private readonly TenantQuotas _quotas;
    private readonly QuotaContext _context;

    internal TenantUsage(TenantQuotas quotas, QuotaContext context) => (_quotas, _context) = (quotas, context);

    /// <summary>
    /// Reads how every limit of a tenant stands: counts and amounts from the store for all hosts, rates and refusals as of this host.
    /// </summary>
    /// <returns>Counts, then rates with a line for each window, then amounts, each by name; empty if there is no such tenant.</returns>
    public async ValueTask<IReadOnlyList<LimitUsage>> ReadAsync(TenantId tenant, CancellationToken cancellationToken = default)
    {
        var stored = await _context.Directory.FindAsync(tenant, cancellationToken).ConfigureAwait(false);
        if (stored is null)
            return [];
        var counters = await _context.Store.ReadCountersAsync(tenant, cancellationToken).ConfigureAwait(false);
        var quota = _quotas.Find(tenant);
        var snapshot = TenantSnapshot.Of(stored, _context.Options, quota?.Snapshot);
        var period = QuotaPeriod.Of(_context.UtcNow);
        return
        [
            .. counters
                .Where(counter => !counter.Name.Contains('@', StringComparison.Ordinal))
                .Select(counter => new LimitUsage
                {
                    Kind = LimitKind.Count,
                    Name = counter.Name,
                    Limit = counter.Most,
                    Used = counter.Used,
                }),
            .. snapshot.Gates.OrderBy(gate => gate.Key, StringComparer.Ordinal).SelectMany(gate => Rates(gate.Key, gate.Value, quota)),
            Amount(quota?.Bytes, TenantAmounts.BytesPerMonth),
            Amount(quota?.Points, TenantAmounts.PointsPerMonth),
            Amount(lease: null, TenantAmounts.StorageDays),
        ];

        LimitUsage Amount(AmountLease? lease, string name)
        {
            var used = counters.FirstOrDefault(counter => counter.Name == $"{name}@{period.Name}")?.Used ?? 0;
            var (lastAt, inHour) = quota?.RefusalsOf(name) ?? default;
            return new LimitUsage
            {
                Kind = LimitKind.Amount,
                Name = name,
                Limit = snapshot.LimitOf(name),
                Used = lease is not null && lease.Period == period ? Math.Max(used - lease.Balance, 0) : used,
                Period = period.Name,
                ResetsAt = period.EndsAt,
                LastRefusedAt = lastAt,
                RefusedInHour = inHour,
            };
        }
    }

    /// <summary>Reads how much room a tenant's telemetry takes, as it was measured today or yesterday.</summary>
    /// <returns><see langword="null"/> if it was not.</returns>
    public async ValueTask<StoredBytes?> ReadStorageAsync(TenantId tenant, CancellationToken cancellationToken = default)
    {
        var today = DateOnly.FromDateTime(_context.UtcNow);
        foreach (var day in new[] { today, today.AddDays(-1) })
        {
            var id = StorageMetering.IdOf(day);
            var record = await _context
                .Store.FindAsync(ControlScope.Of(tenant), RecordKinds.StorageDay, id, cancellationToken)
                .ConfigureAwait(false);
            if (record is null)
                continue;
            var (bytes, measuredAt) = RecordJson.Read<StorageDayRecord>(record);
            return new StoredBytes(bytes, measuredAt);
        }

        return null;
    }

    // Of one device's rates there is no sum to tell: the limit and the refusals.
    private IEnumerable<LimitUsage> Rates(string name, RateGate gate, TenantQuota? quota)
    {
        var now = _context.Clock.Now;
        var (lastAt, inHour) = quota?.RefusalsOf(name) ?? default;
        for (var i = 0; i < gate.Limit.Windows.Count; i++)
        {
            var standing = gate.Read(i, now);
            yield return new LimitUsage
            {
                Kind = LimitKind.Rate,
                Name = name,
                Limit = standing.Window.Units,
                Used = standing.Window.Units - standing.Remaining,
                Period = $"{standing.Window.Seconds}s",
                ResetsAt = _context.UtcNow + standing.Reset,
                LastRefusedAt = lastAt,
                RefusedInHour = inHour,
            };
        }
    }
}
