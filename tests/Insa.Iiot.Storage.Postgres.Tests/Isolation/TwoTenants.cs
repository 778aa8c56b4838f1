using Insa.Iiot.Conformance;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Tests.Isolation;

/// <summary>A database in which every table holds rows of two tenants, whatever tables there are.</summary>
public sealed class TwoTenants(PostgresCluster cluster) : IAsyncLifetime
{
    internal static readonly TenantId Mine = TenantId.Parse("mine");
    internal static readonly TenantId Theirs = TenantId.Parse("theirs");
    internal static readonly DateTime Noon = new(2026, 5, 1, 12, 0, 0, DateTimeKind.Utc);

    internal PostgresStore Store { get; private set; } = null!;

    /// <summary>The numbers of the two.</summary>
    internal int MineNo { get; private set; }

    internal int TheirsNo { get; private set; }

    /// <summary>Tables, partitions, views and sequences of the store, quoted and with their schema.</summary>
    internal List<Relation> Relations { get; } = [];

    public async ValueTask InitializeAsync()
    {
        Store = await PostgresStore.MakeAsync(cluster);
        foreach (var tenant in (TenantId[])[Mine, Theirs])
            await FillAsync(tenant);
        MineNo = (int)(await Store.QueryAsync("select tenant_no from iiot.tenant where name = 'mine'"))!;
        TheirsNo = (int)(await Store.QueryAsync("select tenant_no from iiot.tenant where name = 'theirs'"))!;

        // Tables that the lines above do not know get a row that their types allow. If their constraints do not, they belong above.
        await AnyRow.FillAsync(Store.Server, Store.DatabaseName, [MineNo, TheirsNo]);
        await FindRelationsAsync();
    }

    /// <summary>A statement that adds a row of whatever the types of a table's columns allow.</summary>
    internal Task<string> InsertAsync(string table, int tenantNo, string suffix = "") =>
        AnyRow.InsertAsync(Store.QueryAsync, table, tenantNo, suffix);

    /// <summary>Everything that a tenant has, as one text.</summary>
    internal async Task<string> FingerprintAsync(int tenantNo)
    {
        var all = "";
        foreach (var relation in Relations.Where(relation => relation is { IsOfTenant: true, Kind: 'r' or 'p' }))
            all += await Store.QueryAsync(
                $"select '{relation.Name}: ' || coalesce(string_agg(r::text, ';' order by r::text), '') || E'\n' from {relation.Name} r where tenant_no = {tenantNo}"
            );
        return all;
    }

    public ValueTask DisposeAsync() => Store.DisposeAsync();

    private async Task FillAsync(TenantId tenant)
    {
        var device = DeviceId.Parse($"device-of-{tenant}");
        await Store.Devices.AddAsync(tenant, new Device { Id = device, DisplayName = $"shown by {tenant}" });
        await Store.Devices.AddCertificateAsync(tenant, device, CertificateOf(tenant));
        await Store.Devices.RotateSecretAsync(tenant, device);
        await Store.Devices.SetPskAsync(tenant, device);
        await Store.Devices.AddManyAsync(tenant, [new Device { Id = DeviceId.Parse("spoken-for"), Gateway = device }]);
        await Store.DeadLetters.AppendAsync(
            [
                new DeadLetter
                {
                    Tenant = tenant,
                    Device = device,
                    ReceivedAt = Noon,
                    Reason = IngestReason.Malformed,
                    MediaType = $"text/{tenant}",
                    Payload = new byte[] { 1 },
                },
            ],
            CancellationToken.None
        );
        using var writer = new BatchWriter();
        foreach (var name in (string[])["shared", $"device-of-{tenant}"])
            writer.Add(
                tenant,
                DeviceId.Parse(name),
                Noon,
                frame => frame.AddText("said"u8, System.Text.Encoding.UTF8.GetBytes($"words of {tenant}"))
            );
        await Store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
    }

    internal static byte[] CertificateOf(TenantId tenant)
    {
        var hash = new byte[32];
        hash[0] = (byte)(tenant == Mine ? 1 : 2);
        return hash;
    }

    private async Task FindRelationsAsync()
    {
        var rows = await ListAsync(
            """
            select concat_ws(' ', format('%I.%I', n.nspname, c.relname), c.relkind, c.relispartition::int::text,
              exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_no')::int::text)
            from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname in ('iiot', 'iiot_data') and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') order by 1
            """
        );
        foreach (var parts in rows.Select(row => row.Split(' ')))
            Relations.Add(new Relation(parts[0], parts[1][0], parts[2] == "1", parts[3] == "1"));
    }

    internal async Task<List<string>> ListAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(cluster.Server.AdminConnectionString(Store.DatabaseName));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await using var rows = await command.ExecuteReaderAsync();
        var all = new List<string>();
        while (await rows.ReadAsync())
            all.Add(rows.GetString(0));
        return all;
    }
}

/// <param name="Name">With its schema.</param>
/// <param name="Kind">As in pg_class: r table, p partitioned, v view, S sequence.</param>
/// <param name="IsLeaf">Whether it is a partition.</param>
/// <param name="IsOfTenant">Whether its rows belong to a tenant.</param>
internal sealed record Relation(string Name, char Kind, bool IsLeaf, bool IsOfTenant)
{
    public bool IsOfApplication => Name.StartsWith("iiot.", StringComparison.Ordinal);
}
