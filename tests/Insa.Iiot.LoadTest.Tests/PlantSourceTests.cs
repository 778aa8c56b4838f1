using Insa.Iiot.LoadTest.Copy;

namespace Insa.Iiot.LoadTest.Tests;

public sealed class PlantSourceTests
{
    private const int Hour = 60 * PlantSource.Devices;

    private readonly List<PlantMessage> _messages = new PlantSource().Take(2 * Hour);

    [Fact]
    public void It_says_the_same_every_time()
    {
        var again = new PlantSource().Take(2 * Hour);
        Assert.Equal(Describe(_messages), Describe(again));
    }

    [Fact]
    public void No_device_speaks_twice_of_one_instant() =>
        Assert.Equal(_messages.Count, _messages.Select(message => (message.Device, message.TimestampTicks)).Distinct().Count());

    [Fact]
    public void Devices_speak_once_a_minute_within_six_seconds() =>
        Assert.All(
            _messages,
            message =>
            {
                var seconds = TimeSpan.FromTicks(message.TimestampTicks - PlantSource.Start.Ticks).TotalSeconds;
                Assert.InRange(Math.Abs(seconds - (Math.Round(seconds / 60) * 60)), 0, 6);
            }
        );

    [Fact]
    public void Two_in_a_thousand_come_late_by_ten_minutes_at_most()
    {
        var late = 0;
        var newest = long.MinValue;
        foreach (var message in _messages)
        {
            newest = Math.Max(newest, message.TimestampTicks);
            var behind = TimeSpan.FromTicks(newest - message.TimestampTicks);
            Assert.InRange(behind.TotalMinutes, 0, 10.3);
            late += behind > TimeSpan.FromSeconds(13) ? 1 : 0;
        }

        Assert.InRange(late * 1000.0 / _messages.Count, 1, 3);
    }

    [Fact]
    public void Batches_hold_every_value_once_and_each_chunk_one_tenant()
    {
        var batches = new BatchBuilder().Build(_messages.Take(20_500), 1000);
        Assert.Equal([.. Enumerable.Repeat(1000, 20), 500], batches.Select(batch => batch.FrameCount));
        Assert.All(batches, batch => Assert.Equal(PlantSource.Tenants, batch.Chunks.Select(chunk => chunk.Tenant).Distinct().Count()));
        Assert.Equal(20_500 * PlantSource.Metrics, batches.Sum(batch => batch.ValueCount));

        var split = new BatchBuilder().Build(_messages.Take(2500), 1000, isSplit: true);
        Assert.All(split, batch => Assert.Equal((1000, 1000), (batch.FrameCount, batch.ValueCount)));
        Assert.Equal(25, split.Count);
    }

    private static IEnumerable<string> Describe(List<PlantMessage> messages) =>
        messages.Select(message => $"{message.Device} {message.TimestampTicks} {string.Join(' ', message.Values)}");
}
