using Insa.Iiot.Tenancy.Offboarding;
using Insa.Iiot.Tenancy.Records;

namespace Insa.Iiot.Tenancy;

/// <summary>The leaving of tenants: how far it is, and all data of a tenant to take along. Thread-safe.</summary>
/// <remarks><see cref="TenantDirectory.OffboardAsync"/> begins it, and the host ends it. It cannot be taken back.</remarks>
public sealed class TenantOffboarding
{
    private readonly IControlStore _store;
    private readonly TenantArchive _archive;

    internal TenantOffboarding(IControlStore store, TenantArchive archive) => (_store, _archive) = (store, archive);

    /// <summary>Says how far a tenant has left.</summary>
    /// <returns><see langword="null"/> if there is no such tenant, or it does not leave.</returns>
    public async ValueTask<TenantOffboardingStatus?> ReadAsync(TenantId tenant, CancellationToken cancellationToken = default) =>
        await FindAsync(tenant, cancellationToken).ConfigureAwait(false) is { State: TenantState.Offboarding or TenantState.Deleted } record
            ? new TenantOffboardingStatus(record.OffboardedAt, record.DueAt, record.DeletedAt)
            : null;

    /// <summary>
    /// Writes all that is kept of a tenant as a zip archive, with bounded memory: <c>tenant.json</c>, <c>members.json</c>, <c>roles.json</c>,
    /// <c>devices.json</c>, <c>retention-policies.json</c>, <c>dead-letters.ndjson</c>, <c>audit.ndjson</c> for <see cref="AuditVerifier"/>, <c>usage.csv</c>, and
    /// <c>telemetry/</c> with NDJSON for each registered device. Never secrets or their hashes. What is written meanwhile may be in it or not.
    /// </summary>
    /// <param name="tenant">A tenant in any state but deleted.</param>
    /// <param name="archive">Where to; need not be seekable, and stays open. If this fails, what it holds is no whole archive.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="TenancyException"><see cref="TenancyError.NotFound"/>; <see cref="TenancyError.TenantState"/> once it is to be deleted.</exception>
    public async Task ExportAsync(TenantId tenant, Stream archive, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(archive);
        var record =
            await FindAsync(tenant, cancellationToken).ConfigureAwait(false)
            ?? throw new TenancyException(TenancyError.NotFound, $"There is no tenant '{tenant}'.");
        if (record.State == TenantState.Deleted)
            throw new TenancyException(TenancyError.TenantState, $"The tenant '{tenant}' is deleted.");
        await _archive.WriteAsync(tenant, record, archive, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<TenantRecord?> FindAsync(TenantId tenant, CancellationToken cancellationToken) =>
        await _store.FindAsync(ControlScope.Platform, RecordKinds.Tenant, tenant.Value, cancellationToken).ConfigureAwait(false)
            is { } record
            ? RecordJson.Read<TenantRecord>(record)
            : null;
}
