namespace Insa.Iiot.Storage.Postgres.Retention;

/// <summary>Keeps tenants' policies, and notes each change in the tenant's audit.</summary>
internal sealed class PostgresRetentionPolicies(PostgresDatabase database) : IRetentionPolicyStore
{
    // Held to the end of the transaction: two that count at once would both find room for one more.
    private const string LockCount = $"select pg_advisory_xact_lock(7461206, {TenantBatch.Number})";

    private static readonly string Add = TenantAudit.Noted(
        $"""
        insert into iiot.retention_policy (tenant_no, metric, tier, keep) select {TenantBatch.Number}, $1, $2, $3
        where (select count(*) from iiot.retention_policy where tenant_no = {TenantBatch.Number}) < {IRetentionPolicyStore.MaxPolicies}
        on conflict (tenant_no, metric, tier) do nothing
        """,
        "set_policy",
        "metric"
    );

    private static readonly string Replace = TenantAudit.Noted(
        $"update iiot.retention_policy set keep = $3 where tenant_no = {TenantBatch.Number} and metric = $1 and tier = $2 and keep = $4",
        "set_policy",
        "metric"
    );

    private static readonly string Remove = TenantAudit.Noted(
        $"delete from iiot.retention_policy where tenant_no = {TenantBatch.Number} and metric = $1 and tier = $2 and keep = $3",
        "remove_policy",
        "metric"
    );

    public IReadOnlyList<RetentionTier> Tiers { get; } = [.. TierTable.All.Select(tier => tier.Tier)];

    public bool IsByMetric => true;

    public Task<IReadOnlyList<RetentionPolicy>> ListAsync(TenantId tenant, CancellationToken cancellationToken = default) =>
        TenantBatch.ReadAsync(
            database,
            tenant,
            batch =>
                batch.Add(
                    $"""
                    select metric, tier, (extract(epoch from keep) * 1000000)::bigint from iiot.retention_policy
                    where tenant_no = {TenantBatch.Number} order by metric, array_position(array['raw', 'minute', 'hour', 'day'], tier)
                    """
                ),
            rows => new RetentionPolicy(
                rows.GetString(0),
                Enum.Parse<RetentionTier>(rows.GetString(1), ignoreCase: true),
                TimeSpan.FromMicroseconds(rows.GetInt64(2))
            ),
            cancellationToken
        );

    public async Task<bool> SetAsync(TenantId tenant, RetentionPolicy policy, TimeSpan? seen, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentException.ThrowIfNullOrEmpty(policy.Metric, nameof(policy));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(policy.Keep, TimeSpan.Zero, nameof(policy));
        if (!Tiers.Contains(policy.Tier))
            throw new NotSupportedException($"There is no tier {policy.Tier}.");
        if (seen is { } keep)
            return await ReplaceAsync(tenant, policy, keep, cancellationToken).ConfigureAwait(false);
        if (await AddAsync(tenant, policy, cancellationToken).ConfigureAwait(false))
            return true;
        var there = await ListAsync(tenant, cancellationToken).ConfigureAwait(false);
        return
            there.Count < IRetentionPolicyStore.MaxPolicies
            || there.Any(other => other.Metric == policy.Metric && other.Tier == policy.Tier)
            ? false
            : throw new LimitReachedException("retention policies");
    }

    public async Task<bool> RemoveAsync(TenantId tenant, RetentionPolicy seen, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(seen);
        var rows = await TenantBatch
            .RunAsync(
                database,
                tenant,
                batch =>
                    batch.Add(
                        Remove,
                        Parameter.Text(seen.Metric),
                        Parameter.Text(RetentionRun.NameOf(seen.Tier)),
                        Parameter.Interval(seen.Keep)
                    ),
                cancellationToken
            )
            .ConfigureAwait(false);
        return rows > 0;
    }

    private async Task<bool> AddAsync(TenantId tenant, RetentionPolicy policy, CancellationToken cancellationToken)
    {
        var rows = await TenantBatch
            .RunAsync(
                database,
                tenant,
                batch =>
                {
                    batch.AddTenant(tenant);
                    batch.Add(LockCount);
                    batch.Add(
                        Add,
                        Parameter.Text(policy.Metric),
                        Parameter.Text(RetentionRun.NameOf(policy.Tier)),
                        Parameter.Interval(policy.Keep)
                    );
                },
                cancellationToken
            )
            .ConfigureAwait(false);
        return rows > 0;
    }

    private async Task<bool> ReplaceAsync(TenantId tenant, RetentionPolicy policy, TimeSpan seen, CancellationToken cancellationToken)
    {
        var rows = await TenantBatch
            .RunAsync(
                database,
                tenant,
                batch =>
                    batch.Add(
                        Replace,
                        Parameter.Text(policy.Metric),
                        Parameter.Text(RetentionRun.NameOf(policy.Tier)),
                        Parameter.Interval(policy.Keep),
                        Parameter.Interval(seen)
                    ),
                cancellationToken
            )
            .ConfigureAwait(false);
        return rows > 0;
    }
}
