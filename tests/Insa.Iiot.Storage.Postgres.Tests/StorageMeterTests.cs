using System.Globalization;
using System.Text;
using Insa.Iiot.Conformance;
using Insa.Iiot.Storage.Postgres.Jobs;
using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.Storage.Postgres.Tests;

public sealed class StorageMeterTests(PostgresCluster cluster) : IAsyncLifetime
{
    private const int Devices = 20;
    private const int Minutes = 2_000;
    private const int MinutesPerBatch = 250;
    private static readonly TenantId Plant = TenantId.Parse("plant");
    private static readonly DateTime Day = new(2026, 5, 1, 0, 0, 0, DateTimeKind.Utc);

    private PostgresStore _store = null!;

    public async ValueTask InitializeAsync() => _store = await PostgresStore.MakeAsync(cluster);

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task The_sizes_of_rows_come_near_to_those_of_the_tables()
    {
        for (var device = 0; device < Devices; device++)
        {
            for (var minute = 0; minute < Minutes; minute += MinutesPerBatch)
                await WriteAsync(DeviceId.Parse($"press-{device}"), minute);
        }

        await AssertNearAsync("telemetry_frame");
        var jobs = _store.Services.GetRequiredService<JobService>();
        while (await jobs.RunOnceAsync(CancellationToken.None))
        {
            // There is more to compact.
        }

        Assert.Equal(0L, await _store.QueryAsync("select count(*) from iiot_data.telemetry_frame"));
        await AssertNearAsync("telemetry_chunk", "rollup_minute", "rollup_hour", "rollup_day");
    }

    private async Task AssertNearAsync(params string[] tables)
    {
        var measured = Assert.Single(await _store.StorageMeter.MeasureAsync()).Bytes;
        var sizes = string.Join(" + ", tables.Select(table => $"(select sum(bytes) from iiot_data.partitions('iiot_data.{table}'))"));
        var size = Convert.ToInt64(await _store.QueryAsync($"select {sizes}"), CultureInfo.InvariantCulture);
        TestContext.Current.SendDiagnosticMessage($"Measured {measured}, the tables have {size}");

        // Pages are not filled to the last byte, and each table has a map of its free space.
        Assert.InRange(measured, size * 7 / 10, size);
    }

    private async Task WriteAsync(DeviceId device, int first)
    {
        var random = new Random(first);
        var names = Enumerable.Range(0, 10).Select(i => Encoding.UTF8.GetBytes($"metric-{i}")).ToArray();
        using var writer = new BatchWriter();
        for (var minute = first; minute < first + MinutesPerBatch; minute++)
        {
            writer.Add(
                Plant,
                device,
                Day.AddMinutes(minute),
                frame =>
                {
                    foreach (var name in names)
                        frame.AddDouble(name, Math.Round(20 + random.NextDouble(), 2));
                }
            );
        }

        await _store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
    }
}
