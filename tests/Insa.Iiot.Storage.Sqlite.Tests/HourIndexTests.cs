using CsCheck;
using Insa.Iiot.Conformance;
using Insa.Iiot.Storage.Sqlite.Telemetry;
using Microsoft.Extensions.Time.Testing;

namespace Insa.Iiot.Storage.Sqlite.Tests;

public sealed class HourIndexTests : IDisposable
{
    private const int Devices = 40;
    private static readonly TenantId Plant = TenantId.Parse("plant");
    private static readonly DateTime Start = new(2026, 5, 1, 12, 0, 0, DateTimeKind.Utc);

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(Start.AddHours(3).AddMinutes(9)));
    private readonly SqliteStore _store;

    public HourIndexTests() => _store = new SqliteStore(time: _time);

    public void Dispose() => _store.Dispose();

    [Fact]
    public async Task Reading_an_indexed_hour_gives_what_reading_it_before_gave()
    {
        await FillAsync();
        var before = await ReadAllAsync();
        _time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(3, _store.Indexer.IndexClosedHours(CancellationToken.None));
        Assert.True((long)_store.Query("SELECT count(*) FROM telemetry_hour WHERE times IS NOT NULL")! >= Devices);
        Assert.Equal(before, await ReadAllAsync());
        Assert.Equal(0, _store.Indexer.IndexClosedHours(CancellationToken.None));
    }

    [Fact]
    public async Task A_late_frame_is_read_at_once_and_after_the_next_index()
    {
        await FillAsync();
        _time.Advance(TimeSpan.FromMinutes(2));
        _store.Indexer.IndexClosedHours(CancellationToken.None);
        using (var late = new BatchWriter())
        {
            late.Add(Plant, DeviceOf(7), Start.AddMinutes(30).AddMicroseconds(1), frame => frame.AddDouble("n"u8, -1));
            await _store.Sink.WriteAsync(late.Batch, CancellationToken.None);
        }

        Assert.Contains(await ReadAsync(7), point => point.Value.AsDouble() == -1);
        Assert.Equal(1, _store.Indexer.IndexClosedHours(CancellationToken.None));
        Assert.Contains(await ReadAsync(7), point => point.Value.AsDouble() == -1);
    }

    [Fact]
    public async Task The_hour_that_is_being_written_stays_open()
    {
        await FillAsync();
        Assert.Equal(2, _store.Indexer.IndexClosedHours(CancellationToken.None));
        Assert.Equal(1L, _store.Query("SELECT count(*) FROM telemetry_open"));
    }

    [Fact]
    public void Times_read_back_as_they_were_written() =>
        Gen.Long[0, MicrosecondTime.PerHour]
            .Array[0, 50]
            .Sample(distances =>
            {
                var blob = new List<byte>();
                foreach (var distance in distances)
                    TimeList.Append(blob, distance);
                long time = 1000;
                return TimeList.Read([.. blob], 1000).SequenceEqual(distances.Select(distance => time += distance));
            });

    private async Task FillAsync()
    {
        for (var hour = 0; hour < 3; hour++)
        {
            using var writer = new BatchWriter(4096);
            for (var minute = 0; minute < 60; minute++)
            {
                for (var device = 0; device < Devices; device++)
                {
                    var time = Start.AddHours(hour).AddMinutes(minute).AddMilliseconds(device % 5);
                    writer.Add(Plant, DeviceOf(device), time, frame => frame.AddDouble("n"u8, minute));
                }
            }

            await _store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
        }
    }

    private async Task<List<TelemetryPoint>> ReadAllAsync()
    {
        var points = new List<TelemetryPoint>();
        for (var device = 0; device < Devices; device++)
            points.AddRange(await ReadAsync(device));
        return points;
    }

    private async Task<List<TelemetryPoint>> ReadAsync(int device)
    {
        var points = new List<TelemetryPoint>();
        var query = new TelemetryQuery
        {
            Device = DeviceOf(device),
            From = Start.AddMinutes(5),
            To = Start.AddHours(2.5),
        };
        await foreach (var point in _store.Reader.ReadAsync(Plant, query))
            points.Add(point);
        return points;
    }

    private static DeviceId DeviceOf(int number) => DeviceId.Parse($"device-{number}");
}
