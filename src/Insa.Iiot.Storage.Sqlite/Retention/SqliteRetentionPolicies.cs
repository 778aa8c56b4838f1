using System.Diagnostics.CodeAnalysis;
using Insa.Iiot.Storage.Sqlite.Telemetry;

namespace Insa.Iiot.Storage.Sqlite.Retention;

/// <summary>Keeps how long each tenant keeps its points. A frame is one row of many metrics, and goes as a whole: so there are no policies for single metrics.</summary>
[SuppressMessage("Security", "CA2100", Justification = "The texts are constants of this file.")]
internal sealed class SqliteRetentionPolicies(SqliteDatabase database) : IRetentionPolicyStore
{
    private const string OfTenant = "tenant = (SELECT id FROM tenant WHERE name = $tenant)";

    public IReadOnlyList<RetentionTier> Tiers { get; } = [RetentionTier.Raw];

    public bool IsByMetric => false;

    public Task<IReadOnlyList<RetentionPolicy>> ListAsync(TenantId tenant, CancellationToken cancellationToken = default)
    {
        var name = tenant.Value; // throws for default
        return Task.FromResult<IReadOnlyList<RetentionPolicy>>(
            database.Read<RetentionPolicy[]>(connection =>
            {
                using var command = connection.CreateCommand();
                command.CommandText = $"SELECT keep FROM retention_policy WHERE {OfTenant}";
                command.Parameters.AddWithValue("$tenant", name);
                return command.ExecuteScalar() is long keep
                    ? [new RetentionPolicy(RetentionPolicy.AllMetrics, RetentionTier.Raw, TimeSpan.FromMicroseconds(keep))]
                    : [];
            })
        );
    }

    public Task<bool> SetAsync(TenantId tenant, RetentionPolicy policy, TimeSpan? seen, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentException.ThrowIfNullOrEmpty(policy.Metric, nameof(policy));
        ArgumentOutOfRangeException.ThrowIfLessThan(policy.Keep, TimeSpan.FromMicroseconds(1), nameof(policy));
        if (policy.Tier != RetentionTier.Raw)
            throw new NotSupportedException($"This store keeps points alone, and nothing for the tier {policy.Tier}.");
        if (policy.Metric != RetentionPolicy.AllMetrics)
            throw new NotSupportedException($"This store keeps all metrics for one time: the metric must be {RetentionPolicy.AllMetrics}.");
        return ChangeAsync(
            tenant,
            seen is null
                ? "INSERT OR IGNORE INTO tenant (name) VALUES ($tenant); "
                    + "INSERT OR IGNORE INTO retention_policy (tenant, keep) SELECT id, $keep FROM tenant WHERE name = $tenant"
                : $"UPDATE retention_policy SET keep = $keep WHERE {OfTenant} AND keep = $seen",
            policy.Keep,
            seen ?? TimeSpan.Zero
        );
    }

    public Task<bool> RemoveAsync(TenantId tenant, RetentionPolicy seen, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(seen);
        return seen is { Tier: RetentionTier.Raw, Metric: RetentionPolicy.AllMetrics }
            ? ChangeAsync(tenant, $"DELETE FROM retention_policy WHERE {OfTenant} AND keep = $seen", TimeSpan.Zero, seen.Keep)
            : Task.FromResult(false);
    }

    private Task<bool> ChangeAsync(TenantId tenant, string change, TimeSpan keep, TimeSpan seen)
    {
        var name = tenant.Value;
        return Task.FromResult(
            database.Transact(command =>
            {
                command.CommandText = $"{change}; SELECT changes()";
                command.Parameters.AddWithValue("$tenant", name);
                command.Parameters.AddWithValue("$keep", MicrosecondTime.Of(keep));
                command.Parameters.AddWithValue("$seen", MicrosecondTime.Of(seen));
                return (long)command.ExecuteScalar()! > 0;
            })
        );
    }
}
