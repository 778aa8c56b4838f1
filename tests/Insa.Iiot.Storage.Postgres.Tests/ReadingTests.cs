using Insa.Iiot.Conformance;
using Insa.Iiot.Storage.Postgres.Telemetry;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Tests;

public sealed class ReadingTests(PostgresCluster cluster)
{
    private static readonly TenantId Plant = TenantId.Parse("plant");
    private static readonly DeviceId Press = DeviceId.Parse("press");
    private static readonly DateTime Start = new(2026, 5, 1, 0, 0, 0, DateTimeKind.Utc);

    [Fact]
    public async Task A_page_of_a_streams_long_range_reads_no_more_than_the_page() =>
        await AssertReadsOnlyAsync(
            50,
            FrameQuery.OfStream,
            Parameter.Number(1),
            Parameter.Time(Start),
            Parameter.Time(Start.AddYears(1)),
            Parameter.Number(50)
        );

    [Fact]
    public async Task A_page_of_several_streams_reads_no_more_than_the_page() =>
        await AssertReadsOnlyAsync(
            100,
            FrameQuery.OfStreams,
            Parameter.Numbers([1, 2]),
            Parameter.Time(Start),
            Parameter.Time(Start.AddYears(1)),
            Parameter.Number(50)
        );

    [Fact]
    public async Task The_newest_frames_of_streams_are_read_alone() =>
        await AssertReadsOnlyAsync(2, FrameQuery.Newest, Parameter.Numbers([1, 2]), Parameter.Time(Start));

    [Theory]
    [InlineData(3, 9_000)]
    [InlineData(200, 150)]
    public async Task Large_texts_are_read_whole_and_once(int textBytes, int frames)
    {
        await using var store = await PostgresStore.MakeAsync(cluster);
        var text = new string('x', textBytes * 1000);
        var left = frames;
        while (left > 0)
        {
            using var writer = new BatchWriter(framesPerTenant: 4000);
            for (var i = 0; i < 4000 && left > 0; i++, left--)
                writer.Add(Plant, Press, Start.AddSeconds(left), frame => frame.AddText("t"u8, System.Text.Encoding.UTF8.GetBytes(text)));
            await store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
        }

        var read = 0;
        var before = DateTime.MinValue;
        await foreach (var point in store.Reader.ReadAsync(Plant, new TelemetryQuery { Device = Press, Limit = int.MaxValue }))
        {
            Assert.True(point.Timestamp > before);
            Assert.Equal(text.Length, point.Value.AsText().Length);
            (before, read) = (point.Timestamp, read + 1);
        }

        Assert.Equal(frames, read);
    }

    private async Task AssertReadsOnlyAsync(long rows, string sql, params NpgsqlParameter[] parameters)
    {
        await using var store = await PostgresStore.MakeAsync(cluster);
        using var writer = new BatchWriter(framesPerTenant: 10_000);
        for (var i = 0; i < 5000; i++)
        {
            writer.Add(Plant, Press, Start.AddSeconds(i * 30), frame => frame.AddDouble("n"u8, i));
            writer.Add(Plant, DeviceId.Parse("pump"), Start.AddSeconds(i * 30), frame => frame.AddDouble("n"u8, i));
        }

        await store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
        await using var connection = await store.Database.App.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await QueryAsync(connection, $"select set_config('iiot.tenant', '1', true), {TenantBatch.IndexOrder}");
        Assert.Equal(rows, await QueryAsync(connection, $"select count(*) from ({sql}) f", parameters));
        Assert.InRange(
            (decimal)
                (await QueryAsync(connection, "select sum(idx_tup_fetch) from pg_stat_xact_all_tables where schemaname = 'iiot_data'"))!,
            rows,
            10 * rows
        );
    }

    private static async Task<object?> QueryAsync(NpgsqlConnection connection, string sql, params NpgsqlParameter[] parameters)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        command.Parameters.AddRange(parameters);
        return await command.ExecuteScalarAsync();
    }
}
