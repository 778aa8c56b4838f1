using Microsoft.Extensions.Options;

namespace Insa.Iiot.Storage.Postgres.Devices;

/// <summary>Keeps dead letters, the newest of each tenant.</summary>
internal sealed class PostgresDeadLetterStore(PostgresDatabase database, IOptions<PostgresStorageOptions> options) : IDeadLetterStore
{
    public async Task AppendAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(letters);
        try
        {
            foreach (var ofTenant in letters.GroupBy(letter => letter.Tenant))
                await AppendAsync(ofTenant.Key, ofTenant, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (PostgresErrors.IsOfStore(e))
        {
            throw PostgresErrors.ToStoreException(e);
        }
    }

    public async ValueTask<IReadOnlyList<DeadLetter>> ListAsync(
        TenantId tenant,
        long afterId,
        int limit,
        CancellationToken cancellationToken = default
    ) => await ReadAsync(tenant, "id > $1 order by id limit $2", afterId, limit, cancellationToken).ConfigureAwait(false);

    public async ValueTask<DeadLetter?> FindAsync(TenantId tenant, long id, CancellationToken cancellationToken = default)
    {
        var found = await ReadAsync(tenant, "id = $1 limit $2", id, 1, cancellationToken).ConfigureAwait(false);
        return found.Count > 0 ? found[0] : null;
    }

    public async ValueTask<bool> RemoveAsync(TenantId tenant, long id, CancellationToken cancellationToken = default) =>
        await TenantBatch
            .RunAsync(
                database,
                tenant,
                batch =>
                    batch.Add($"delete from iiot.dead_letter where tenant_no = {TenantBatch.Number} and id = $1", Parameter.Number(id)),
                cancellationToken
            )
            .ConfigureAwait(false) > 0;

    private Task<IReadOnlyList<DeadLetter>> ReadAsync(
        TenantId tenant,
        string which,
        long id,
        int limit,
        CancellationToken cancellationToken
    ) =>
        TenantBatch.ReadAsync(
            database,
            tenant,
            batch =>
                batch.Add(
                    $"select id, device, received_at, reason, media_type, payload from iiot.dead_letter where tenant_no = {TenantBatch.Number} and {which}",
                    Parameter.Number(id),
                    Parameter.Number(limit)
                ),
            rows => new DeadLetter
            {
                Id = rows.GetInt64(0),
                Tenant = tenant,
                Device = DeviceId.Parse(rows.GetString(1)),
                ReceivedAt = rows.GetDateTime(2),
                Reason = (IngestReason)rows.GetInt16(3),
                MediaType = rows.GetString(4),
                Payload = rows.GetFieldValue<byte[]>(5),
            },
            cancellationToken
        );

    private async Task AppendAsync(TenantId tenant, IEnumerable<DeadLetter> letters, CancellationToken cancellationToken)
    {
        var batch = await TenantBatch.OpenAsync(database, tenant, cancellationToken).ConfigureAwait(false);
        await using var _ = batch.ConfigureAwait(false);
        batch.AddTenant(tenant);
        foreach (var letter in letters)
        {
            batch.Add(
                $"insert into iiot.dead_letter (tenant_no, device, received_at, reason, media_type, payload) values ({TenantBatch.Number}, $1, $2, $3, $4, $5)",
                Parameter.Text(letter.Device.Value),
                Parameter.Time(letter.ReceivedAt),
                Parameter.Number((int)letter.Reason),
                Parameter.Text(letter.MediaType),
                Parameter.Bytes(letter.Payload.ToArray())
            );
        }

        batch.Add(
            $"""
            delete from iiot.dead_letter where tenant_no = {TenantBatch.Number} and id <= (
              select id from iiot.dead_letter where tenant_no = {TenantBatch.Number} order by id desc limit 1 offset $1)
            """,
            Parameter.Number(options.Value.MaxDeadLettersPerTenant)
        );
        await batch.ExecuteAsync(cancellationToken).ConfigureAwait(false);
    }
}
