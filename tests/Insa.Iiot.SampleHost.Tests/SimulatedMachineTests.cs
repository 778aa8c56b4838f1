using Insa.Iiot.SampleHost.Simulation;

namespace Insa.Iiot.SampleHost.Tests;

public sealed class SimulatedMachineTests
{
    private const int Day = 24 * 60 * 60;

    [Fact]
    public void The_same_seed_tells_the_same_story_and_another_seed_another()
    {
        Assert.Equal(Run(1, 1000), Run(1, 1000));
        Assert.NotEqual(Run(1, 1000), Run(2, 1000));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Every_value_is_in_its_range(int seed) =>
        Assert.All(
            Run(seed, Day),
            reading =>
            {
                Assert.InRange(reading.Temperature, 15, 110);
                Assert.InRange(reading.Vibration, 0, 20);
                Assert.InRange(reading.Pressure, 0, 10);
                Assert.Contains(reading.State, new[] { "running", "idle", "fault" });
            }
        );

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_machine_mostly_runs_and_faults_are_occasional_and_end(int seed)
    {
        var day = Run(seed, Day);
        Assert.InRange(day.Count(reading => reading.State == "running"), Day / 2, Day * 95 / 100);
        Assert.InRange(day.Count(reading => reading.State == "fault"), Day / 1000, Day / 10);
        var faults = Pieces(day).Where(piece => piece[0].State == "fault").ToList();
        Assert.True(faults.Count > 10);
        Assert.All(faults, fault => Assert.InRange(fault.Count, 1, 40));
    }

    [Fact]
    public void A_machine_wears_until_it_is_repaired()
    {
        var day = Run(1, Day);
        var sinceRepair = 0;
        var (fresh, worn) = (new List<double>(), new List<double>());
        foreach (var reading in day)
        {
            sinceRepair = reading.State == "fault" ? 0 : sinceRepair + 1;
            if (reading.State == "running" && sinceRepair < 100)
                fresh.Add(reading.Vibration);
            else if (reading.State == "running" && sinceRepair > 500)
                worn.Add(reading.Vibration);
        }

        Assert.True(worn.Average() > fresh.Average() + 1, $"{fresh.Average()} mm/s fresh, {worn.Average()} mm/s worn");
    }

    [Fact]
    public void A_fault_shows_in_heat_vibration_and_pressure()
    {
        var faults = Pieces(Run(1, Day)).Where(piece => piece[0].State == "fault" && piece.Count >= 15).ToList();
        Assert.NotEmpty(faults);
        Assert.All(
            faults,
            fault =>
            {
                Assert.True(fault[^1].Temperature > fault[0].Temperature + 3);
                Assert.True(fault[^1].Pressure < 3);
                Assert.True(fault[^1].Vibration > 8);
            }
        );
    }

    [Fact]
    public void Sensors_are_noisy()
    {
        var resting = Pieces(Run(1, Day))
            .Where(piece => piece[0].State == "idle" && piece.Count > 20)
            .Select(piece => piece[^1].Pressure)
            .ToList();
        Assert.True(resting.Distinct().Count() > 5);
        Assert.InRange(resting.Average(), 4.9, 5.1);
    }

    private static List<MachineReading> Run(int seed, int seconds)
    {
        var machine = new SimulatedMachine(seed);
        return [.. Enumerable.Range(0, seconds).Select(_ => machine.Next())];
    }

    /// <summary>The readings between one change of state and the next.</summary>
    private static List<List<MachineReading>> Pieces(List<MachineReading> readings)
    {
        var pieces = new List<List<MachineReading>>();
        foreach (var reading in readings)
        {
            if (pieces.Count == 0 || pieces[^1][0].State != reading.State)
                pieces.Add([]);
            pieces[^1].Add(reading);
        }

        return pieces;
    }
}
