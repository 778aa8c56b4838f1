using System.Globalization;

namespace Insa.Iiot.SampleHost.Tests;

/// <summary>What became of the readings of <see cref="ILoadDevice"/>s, as the host's API tells it.</summary>
internal sealed record LoadAudit(int Acknowledged, int Stored)
{
    private const int PageSize = 10_000;

    /// <summary>Reads all readings back; fails if one is missing that was acknowledged, is there twice, or was never sent.</summary>
    public static async Task<LoadAudit> ReadAsync(HostProcess host, IReadOnlyCollection<ILoadDevice> devices)
    {
        var stored = 0;
        foreach (var device in devices)
        {
            var readings = await ReadAsync(host, device);
            Assert.All(readings, reading => Assert.Equal(device.TimeOf(reading.Number), reading.Time));
            Assert.All(readings, reading => Assert.InRange(reading.Number, 0, device.Sent - 1));
            var numbers = readings.Select(reading => reading.Number).ToHashSet();
            Assert.Subset(numbers, Enumerable.Range(0, device.Acknowledged).ToHashSet());
            Assert.Equal(numbers.Count, readings.Count);
            Assert.Equal(numbers.Count, await CountAsync(host, device));
            stored += numbers.Count;
        }

        return new LoadAudit(devices.Sum(device => device.Acknowledged), stored);
    }

    public override string ToString() => $"{Acknowledged} acknowledged, {Stored} stored, none twice";

    private static async Task<List<(int Number, DateTimeOffset Time)>> ReadAsync(HostProcess host, ILoadDevice device)
    {
        var readings = new List<(int, DateTimeOffset)>();
        for (var cursor = ""; cursor is not null; )
        {
            var page = await host.ReadAsync(
                $"/api/v1/devices/{device.Id}/telemetry?limit={PageSize}{(cursor.Length == 0 ? "" : "&cursor=" + Uri.EscapeDataString(cursor))}"
            );
            foreach (var point in page["points"]!.AsArray())
                readings.Add(
                    ((int)(double)point!["value"]!, DateTimeOffset.Parse((string)point["timestamp"]!, CultureInfo.InvariantCulture))
                );
            cursor = (string?)page["next"];
        }

        return readings;
    }

    /// <returns>How many readings the aggregates count.</returns>
    private static async Task<int> CountAsync(HostProcess host, ILoadDevice device)
    {
        var path =
            $"/api/v1/devices/{device.Id}/telemetry/aggregate?metric=n&bucket=1d&from={Format(device.TimeOf(0).AddDays(-1))}&to={Format(device.TimeOf(device.Sent))}";
        return (await host.ReadAsync(path))["buckets"]!.AsArray().Sum(bucket => (int)bucket!["count"]!);
    }

    private static string Format(DateTimeOffset time) => time.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
