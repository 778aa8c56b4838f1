using Insa.Iiot.Storage.Postgres.Retention;
using Npgsql;
using NpgsqlTypes;

namespace Insa.Iiot.Storage.Postgres;

/// <summary>Deletes what is due by the policies of tenants (<see cref="IRetentionPolicyStore"/>), but for what is held. Thread-safe.</summary>
/// <remarks>
/// A host runs it once an hour, on one host of a cluster. Points go only once the rollups are proven to say the same. Whatever is decided and
/// deleted is noted in the tenant's audit.
/// </remarks>
public sealed class PostgresRetention
{
    private readonly PostgresDatabase _database;
    private readonly RetentionRun _run;

    internal PostgresRetention(PostgresDatabase database, RetentionRun run) => (_database, _run) = (database, run);

    /// <summary>Puts up a hold, in place of one of the same name.</summary>
    public Task HoldAsync(TenantId tenant, LegalHold hold, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(hold);
        ArgumentException.ThrowIfNullOrEmpty(hold.Name, nameof(hold));
        return TenantBatch.RunAsync(
            _database,
            tenant,
            batch =>
            {
                batch.AddTenant(tenant);
                batch.Add(
                    TenantAudit.Noted(
                        $"""
                        insert into iiot.legal_hold (tenant_no, name, device, metric, starts_at, ends_at, reason)
                        values ({TenantBatch.Number}, $1, $2, $3, $4, $5, $6)
                        on conflict (tenant_no, name) do update set device = excluded.device, metric = excluded.metric,
                          starts_at = excluded.starts_at, ends_at = excluded.ends_at, reason = excluded.reason
                        """,
                        "hold",
                        "name"
                    ),
                    Parameter.Text(hold.Name),
                    Parameter.Text(hold.Device),
                    Parameter.Text(hold.Metric),
                    Parameter.Time(hold.From),
                    Parameter.Time(hold.To),
                    Parameter.Text(hold.Reason)
                );
            },
            cancellationToken
        );
    }

    /// <summary>Takes a hold down.</summary>
    /// <returns><see langword="false"/> if there was none.</returns>
    public async Task<bool> ReleaseAsync(TenantId tenant, string name, CancellationToken cancellationToken = default) =>
        await TenantBatch
            .RunAsync(
                _database,
                tenant,
                batch =>
                    batch.Add(
                        TenantAudit.Noted(
                            $"delete from iiot.legal_hold where tenant_no = {TenantBatch.Number} and name = $1",
                            "release",
                            "name"
                        ),
                        Parameter.Text(name)
                    ),
                cancellationToken
            )
            .ConfigureAwait(false) > 0;

    /// <summary>Lists a tenant's holds.</summary>
    public Task<IReadOnlyList<LegalHold>> ListHoldsAsync(TenantId tenant, CancellationToken cancellationToken = default) =>
        TenantBatch.ReadAsync(
            _database,
            tenant,
            batch =>
                batch.Add(
                    $"select name, device, metric, starts_at, ends_at, reason from iiot.legal_hold where tenant_no = {TenantBatch.Number} order by name"
                ),
            rows => new LegalHold(
                rows.GetString(0),
                rows.GetString(1),
                rows.GetString(2),
                rows.GetDateTime(3),
                rows.GetDateTime(4),
                rows.GetString(5)
            ),
            cancellationToken
        );

    /// <summary>Deletes what is due, for all tenants.</summary>
    /// <param name="dryRun">Whether only to say what would be deleted.</param>
    /// <param name="progress">Hears of each step when it is done.</param>
    /// <param name="cancellationToken">Stops between two steps, or cancels the one at hand.</param>
    /// <exception cref="TelemetryStoreException">
    /// The store cannot be reached; what was done so far stays done. Or, transient, another run or a compaction is at work, and nothing was done;
    /// a dry run goes beside it.
    /// </exception>
    public async Task<RetentionReport> RunAsync(
        bool dryRun = false,
        IProgress<RetentionAction>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        try
        {
            await _database.ReadyAsync(cancellationToken).ConfigureAwait(false);
            return await _run.RunAsync(dryRun, progress, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (PostgresErrors.IsOfStore(e))
        {
            throw PostgresErrors.ToStoreException(e);
        }
    }
}
