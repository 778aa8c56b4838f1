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
    ) =>
        await TenantBatch
            .ReadAsync(
                database,
                tenant,
                batch =>
                    batch.Add(
                        $"select id, device, received_at, reason, media_type, payload from iiot.dead_letter where tenant_no = {TenantBatch.Number} and id > $1 order by id limit $2",
                        Parameter.Number(afterId),
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
            )
            .ConfigureAwait(false);

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
