using Insa.Iiot.Storage.Postgres.Chunks;

namespace Insa.Iiot.Storage.Postgres.Tests.Chunks;

/// <summary>How small a day of a device at one point a minute becomes.</summary>
public sealed class ChunkSizeTests(ITestOutputHelper output)
{
    private const int Day = 1_440;

    private readonly ChunkEncoder _encoder = new();

    [Fact]
    public void Regular_times_of_a_constant_take_next_to_nothing() => AssertSize(Made.Series(Day, Made.Minutely, _ => 21.5), 0.05);

    [Fact]
    public void Regular_times_with_gaps_stay_short() => AssertSize(Made.Series(Day, i => Made.Minutely(i + (i / 50)), _ => 21.5), 0.1);

    [Fact]
    public void A_walk_rounded_to_hundredths_takes_a_byte() => AssertSize(Made.Series(Day, Made.Minutely, Made.RandomWalk(0.01)), 1.1);

    [Fact]
    public void A_walk_rounded_to_tenths_takes_a_byte() => AssertSize(Made.Series(Day, Made.Minutely, Made.RandomWalk(0.1)), 1.1);

    [Fact]
    public void Jitter_in_milliseconds_adds_less_than_two_bytes() =>
        AssertSize(Made.Series(Day, Made.Jittered(), Made.RandomWalk(0.01)), 3);

    [Fact]
    public void Few_values_that_are_no_decimals_do_not_spoil_the_others() =>
        AssertSize(Made.Series(Day, Made.Minutely, Spoilt(Made.RandomWalk(0.01))), 1.6);

    [Fact]
    public void Steps_of_a_converter_are_counted_in_steps() =>
        AssertSize(Made.Series(Day, Made.Minutely, Stepped(Made.RandomWalk(0.01))), 1.1);

    [Fact]
    public void Values_that_seldom_change_take_little() =>
        AssertSize(Made.Series(Day, Made.Minutely, i => i / 100 % 2 == 0 ? 21.37 : 1013.25), 0.15);

    [Fact]
    public void Full_precision_that_seldom_changes_takes_a_bit_a_point() =>
        AssertSize(Made.Series(Day, Made.Minutely, i => Math.Sqrt(2 + (i / 10))), 1.2);

    [Fact]
    public void Any_doubles_take_no_more_than_nine_bytes()
    {
        var random = new Random(3);
        AssertSize(Made.Series(Day, Made.Minutely, _ => random.NextDouble() * 1e6), 7.5);
    }

    [Fact]
    public void A_walk_in_full_precision_takes_no_more_than_eight_bytes_with_jitter() =>
        AssertSize(Made.Series(Day, Made.Jittered(), Made.Walk()), 8);

    [Fact]
    public void Single_precision_takes_its_own_bits_only() => AssertSize(Made.Series(Day, Made.Minutely, Single(Made.Walk())), 2.6);

    [Fact]
    public void Any_64_bits_with_jitter_take_no_more_than_eleven_bytes()
    {
        var random = new Random(4);
        AssertSize(
            Made.Series(Day, Made.Jittered(), _ => BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue))),
            10.5
        );
    }

    [Fact]
    public void A_counter_takes_what_its_steps_take()
    {
        var random = new Random(5);
        long counter = 4_000_000_000;
        AssertSize(Made.Integers(Day, TelemetryValueKind.Long, _ => counter += 1_000 + random.Next(16)), 0.6);
    }

    [Fact]
    public void Booleans_that_seldom_change_take_next_to_nothing() =>
        AssertSize(Made.Integers(Day, TelemetryValueKind.Bool, i => i / 200 % 2), 0.04);

    [Fact]
    public void Booleans_that_often_change_take_a_bit()
    {
        var random = new Random(6);
        AssertSize(Made.Integers(Day, TelemetryValueKind.Bool, _ => random.Next(2)), 0.16);
    }

    [Fact]
    public void States_in_words_are_compressed()
    {
        var series = new SeriesColumns();
        for (var i = 0; i < Day; i++)
            series.AppendText(Made.Minutely(i), TelemetryValueKind.Text, i / 30 % 2 == 0 ? "RUNNING"u8 : "IDLE"u8, TelemetryQuality.Good);
        AssertSize(series, 0.7);
    }

    private static Func<int, double> Single(Func<int, double> values) => i => (float)values(i);

    private static Func<int, double> Spoilt(Func<int, double> values) => i => i % 50 == 0 ? -0.0 : values(i);

    private static Func<int, double> Stepped(Func<int, double> values) => i => Math.Round(values(i) * 64) / 64;

    private void AssertSize(SeriesColumns series, double bytesPerPoint)
    {
        var size = _encoder.Encode(series).Length / (double)series.Count;
        output.WriteLine($"{size:F3} bytes per point");
        Assert.InRange(size, 0, bytesPerPoint);
    }
}
