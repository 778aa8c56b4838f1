using Xunit;

namespace Insa.Iiot.Conformance;

public abstract partial class StoreConformance
{
    /// <summary>Devices are counted by state, and by when their newest telemetry is of.</summary>
    [Fact]
    public async Task Devices_are_counted_by_state_and_by_when_they_were_seen()
    {
        Assert.Equal(default, await Statistics.CountDevicesAsync(Plant, Noon));
        foreach (var name in (string[])["a", "b", "c", "d"])
            await Registry.AddAsync(Plant, new Device { Id = DeviceId.Parse(name), State = name == "d" ? DeviceState.Disabled : default });
        await Registry.AddAsync(Other, new Device { Id = DeviceId.Parse("a") });
        await WriteAsync(Plant, DeviceId.Parse("a"), Noon, "n", 1);
        await WriteAsync(Plant, DeviceId.Parse("a"), Noon, "m", 1);
        await WriteAsync(Plant, DeviceId.Parse("b"), Noon.AddHours(-1), "n", 1);
        await WriteAsync(Plant, DeviceId.Parse("d"), Noon.AddHours(1), "n", 1);
        await WriteAsync(Plant, DeviceId.Parse("unregistered"), Noon, "n", 1);
        await WriteAsync(Other, DeviceId.Parse("c"), Noon, "n", 1);
        await SettleAsync();

        Assert.Equal(new DeviceCounts(3, 1, 3), await Statistics.CountDevicesAsync(Plant, Noon.AddHours(-1)));
        Assert.Equal(new DeviceCounts(3, 1, 2), await Statistics.CountDevicesAsync(Plant, Noon));
        Assert.Equal(new DeviceCounts(3, 1, 1), await Statistics.CountDevicesAsync(Plant, Noon.AddMicroseconds(1)));
        Assert.Equal(new DeviceCounts(1, 0, 0), await Statistics.CountDevicesAsync(Other, Noon));
    }

    /// <summary>Points are counted per day and per device, before and after they are summed up, and with what comes late.</summary>
    [Fact]
    public async Task Points_are_counted_per_day_and_per_device()
    {
        var (a, b) = (DeviceId.Parse("a"), DeviceId.Parse("b"));
        var first = DateOnly.FromDateTime(Noon);
        Assert.Empty(await Statistics.CountPointsAsync(Plant, first, ITelemetryStatistics.MaxDays));
        Assert.Empty(await Statistics.ListBusiestAsync(Plant, first, 1, 10));
        using (var writer = new BatchWriter())
        {
            for (var minute = 0; minute < 1024; minute++)
            {
                writer.Add(
                    Plant,
                    a,
                    Noon.AddMinutes(minute),
                    frame =>
                    {
                        frame.AddDouble("n"u8, 1);
                        frame.AddLong("m"u8, 2, TelemetryQuality.Bad);
                    }
                );
            }

            writer.Add(Other, a, Noon, frame => frame.AddDouble("n"u8, 1));
            await WriteAsync(writer);
        }

        for (var day = -1; day <= 1; day++)
            await WriteAsync(Plant, b, Noon.Date.AddDays(day), "n", 1);
        await AssertAsync(0);
        await SettleAsync();
        await AssertAsync(0);

        // What comes late, and now.
        await WriteAsync(Plant, a, Noon.AddHours(-2), "n", 1);
        await SettleAsync();
        await AssertAsync(1);

        async Task AssertAsync(int late)
        {
            Assert.Equal(
                [new(first.AddDays(-1), 1), new(first, (2 * 720) + 1 + late), new(first.AddDays(1), (2 * 304) + 1)],
                await Statistics.CountPointsAsync(Plant, first.AddDays(-3), 10)
            );
            Assert.Equal([new(first, (2 * 720) + 1 + late)], await Statistics.CountPointsAsync(Plant, first, 1));
            Assert.Equal([new DayPointCount(first, 1)], await Statistics.CountPointsAsync(Other, first.AddDays(-3), 10));
            Assert.Equal(
                [new(a, (2 * 1024) + late), new(b, 3)],
                await Statistics.ListBusiestAsync(Plant, first.AddDays(-3), ITelemetryStatistics.MaxDays, 10)
            );
            Assert.Equal([new(a, 2 * 304)], await Statistics.ListBusiestAsync(Plant, first.AddDays(1), 1, 1));
            Assert.Equal([new(a, 1)], await Statistics.ListBusiestAsync(Other, first, 1, 10));
        }
    }

    /// <summary>What would take unbounded time is refused.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(ITelemetryStatistics.MaxDays + 1)]
    public async Task Too_many_days_are_refused(int days)
    {
        var first = DateOnly.FromDateTime(Noon);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await Statistics.CountPointsAsync(Plant, first, days));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await Statistics.ListBusiestAsync(Plant, first, days, 1));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await Statistics.CountPointsAsync(default, first, 1));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await Statistics.CountDevicesAsync(default, Noon));
    }
}
