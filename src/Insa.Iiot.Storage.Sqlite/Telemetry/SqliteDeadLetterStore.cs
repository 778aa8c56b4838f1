using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Storage.Sqlite.Telemetry;

/// <summary>Keeps dead letters, the newest of each tenant.</summary>
internal sealed class SqliteDeadLetterStore(SqliteDatabase database, IOptions<SqliteStorageOptions> options) : IDeadLetterStore
{
    public Task AppendAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(letters);
        cancellationToken.ThrowIfCancellationRequested();
        database.Transact(command =>
        {
            foreach (var letter in letters)
            {
                command.CommandText = """
                    INSERT OR IGNORE INTO tenant (name) VALUES ($tenant);
                    INSERT INTO dead_letter (tenant, device, received_at, reason, media_type, payload)
                    SELECT id, $device, $received, $reason, $media, $payload FROM tenant WHERE name = $tenant;
                    """;
                command.Parameters.Clear();
                command.Parameters.AddWithValue("$tenant", letter.Tenant.Value);
                command.Parameters.AddWithValue("$device", letter.Device.Value);
                command.Parameters.AddWithValue("$received", MicrosecondTime.FromTicks(letter.ReceivedAt.Ticks));
                command.Parameters.AddWithValue("$reason", (int)letter.Reason);
                command.Parameters.AddWithValue("$media", letter.MediaType);
                command.Parameters.AddWithValue("$payload", letter.Payload.ToArray());
                command.ExecuteNonQuery();
            }

            foreach (var tenant in letters.Select(letter => letter.Tenant).Distinct())
            {
                command.CommandText = """
                    DELETE FROM dead_letter WHERE tenant = (SELECT id FROM tenant WHERE name = $tenant) AND id <= (
                      SELECT id FROM dead_letter WHERE tenant = (SELECT id FROM tenant WHERE name = $tenant)
                      ORDER BY id DESC LIMIT 1 OFFSET $most)
                    """;
                command.Parameters.Clear();
                command.Parameters.AddWithValue("$tenant", tenant.Value);
                command.Parameters.AddWithValue("$most", options.Value.MaxDeadLettersPerTenant);
                command.ExecuteNonQuery();
            }

            return letters.Count;
        });
        return Task.CompletedTask;
    }

    public ValueTask<IReadOnlyList<DeadLetter>> ListAsync(
        TenantId tenant,
        long afterId,
        int limit,
        CancellationToken cancellationToken = default
    ) => ValueTask.FromResult<IReadOnlyList<DeadLetter>>(Read(tenant, "id > $id ORDER BY id LIMIT $limit", afterId, limit));

    public ValueTask<DeadLetter?> FindAsync(TenantId tenant, long id, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(Read(tenant, "id = $id LIMIT $limit", id, 1).FirstOrDefault());

    public ValueTask<bool> RemoveAsync(TenantId tenant, long id, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(
            database.Transact(command =>
            {
                command.CommandText = "DELETE FROM dead_letter WHERE tenant = (SELECT id FROM tenant WHERE name = $tenant) AND id = $id";
                command.Parameters.AddWithValue("$tenant", tenant.Value);
                command.Parameters.AddWithValue("$id", id);
                return command.ExecuteNonQuery() > 0;
            })
        );

    private List<DeadLetter> Read(TenantId tenant, string which, long id, int limit) =>
        database.Read(connection =>
        {
            using var command = connection.CreateCommand();
            command.CommandText = $"""
                SELECT id, device, received_at, reason, media_type, payload FROM dead_letter
                WHERE tenant = (SELECT id FROM tenant WHERE name = $tenant) AND {which}
                """;
            command.Parameters.AddWithValue("$tenant", tenant.Value);
            command.Parameters.AddWithValue("$id", id);
            command.Parameters.AddWithValue("$limit", limit);
            var letters = new List<DeadLetter>();
            using var rows = command.ExecuteReader();
            while (rows.Read())
                letters.Add(ToLetter(rows, tenant));
            return letters;
        });

    private static DeadLetter ToLetter(SqliteDataReader rows, TenantId tenant) =>
        new()
        {
            Id = rows.GetInt64(0),
            Tenant = tenant,
            Device = DeviceId.Parse(rows.GetString(1)),
            ReceivedAt = MicrosecondTime.ToDateTime(rows.GetInt64(2)),
            Reason = (IngestReason)rows.GetInt32(3),
            MediaType = rows.GetString(4),
            Payload = (byte[])rows.GetValue(5),
        };
}
