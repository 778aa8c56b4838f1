using Insa.Iiot.Conformance;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Tests;

public sealed class ReadingTests(PostgresCluster cluster)
{
    [Theory]
    [InlineData("read_frames(array[1], '2026-01-01', '2027-01-01', 50)", 50)]
    [InlineData("read_latest_frames(array[1], '2026-01-01')", 1)]
    public async Task A_page_of_a_long_range_reads_no_more_than_the_page(string call, long rows)
    {
        await using var store = await PostgresStore.MakeAsync(cluster);
        var (plant, press) = (TenantId.Parse("plant"), DeviceId.Parse("press"));
        var start = new DateTime(2026, 5, 1, 0, 0, 0, DateTimeKind.Utc);
        using var writer = new BatchWriter(framesPerTenant: 5000);
        for (var i = 0; i < 5000; i++)
            writer.Add(plant, press, start.AddSeconds(i * 30), frame => frame.AddDouble("n"u8, i));
        await store.Sink.WriteAsync(writer.Batch, CancellationToken.None);

        await using var connection = await store.Database.App.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await QueryAsync(connection, "select set_config('iiot.tenant', '1', true)");
        Assert.Equal(rows, await QueryAsync(connection, $"select count(*) from iiot.{call}"));
        Assert.InRange(
            (decimal)
                (await QueryAsync(connection, "select sum(idx_tup_fetch) from pg_stat_xact_all_tables where schemaname = 'iiot_data'"))!,
            rows,
            10 * rows
        );
    }

    private static async Task<object?> QueryAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
