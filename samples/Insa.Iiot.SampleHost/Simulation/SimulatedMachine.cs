namespace Insa.Iiot.SampleHost.Simulation;

/// <summary>A machine that runs, rests, wears, and now and then fails and is repaired. The same seed tells the same story.</summary>
internal sealed class SimulatedMachine(int seed)
{
    private const string Running = "running";
    private const string Idle = "idle";
    private const string Fault = "fault";
    private const double IdlePerSecond = 1.0 / 180;
    private const double WorkPerSecond = 1.0 / 30;
    private const double FaultPerSecond = 1.0 / 600;
    private const double WearPerSecond = 0.004;

    private readonly Random _random = new(seed);
    private string _state = Running;
    private double _temperature = 22;
    private double _pressure = 1;
    private double _wear;
    private int _repairSeconds;

    /// <summary>The next second.</summary>
    public MachineReading Next()
    {
        _state = NextState();
        var (temperature, vibration, pressure) = _state switch
        {
            Running => (65.0, 2.5 + _wear, 6.0),
            Idle => (28.0, 0.2, 5.0),
            _ => (95.0, 9.0 + _wear, 2.0),
        };

        // Heat is slow, pressure is quick, vibration is at once.
        _temperature += (temperature - _temperature) * 0.02;
        _pressure += (pressure - _pressure) * 0.3;
        return new MachineReading(
            Measure(_temperature, 0.15, 15, 110),
            Measure(vibration, 0.1, 0, 20),
            Measure(_pressure, 0.03, 0, 10),
            _state
        );
    }

    private string NextState()
    {
        var chance = _random.NextDouble();
        switch (_state)
        {
            case Running when chance < FaultPerSecond:
                _repairSeconds = _random.Next(10, 40);
                return Fault;
            case Running:
                _wear = Math.Min(_wear + WearPerSecond, 5);
                return chance < FaultPerSecond + IdlePerSecond ? Idle : Running;
            case Idle:
                return chance < WorkPerSecond ? Running : Idle;
            default:
                if (--_repairSeconds > 0)
                    return Fault;
                _wear = 0;
                return Idle;
        }
    }

    /// <summary>The true value with a sensor's noise, of two decimals.</summary>
    private double Measure(double value, double deviation, double min, double max)
    {
        // Box and Muller: two even numbers make a normal one.
        var noise = Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(2 * Math.PI * _random.NextDouble());
        return Math.Round(Math.Clamp(value + (noise * deviation), min, max), 2);
    }
}
