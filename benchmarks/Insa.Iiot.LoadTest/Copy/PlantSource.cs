namespace Insa.Iiot.LoadTest.Copy;

/// <summary>
/// Telemetry as plants send it, the same at every run: 4 tenants of 250 devices with 10 metrics, each device once a minute within 6 seconds, in
/// almost the same order; 2 messages in 1,000 come up to 10 minutes late. It starts late in the evening, so that most runs pass a midnight.
/// </summary>
internal sealed class PlantSource(int seed = 1)
{
    public const int Tenants = 4;
    public const int Devices = 1000;
    public const int Metrics = 10;

    private const int LatestMinutes = 10;
    private const double SwappedShare = 0.1;
    private const double LateShare = 0.002;

    private readonly Random _random = new(seed);
    private readonly PriorityQueue<PlantMessage, long> _late = new();
    private readonly double[][] _values = [.. Enumerable.Range(0, Devices).Select(_ => new double[Metrics])];
    private readonly int[] _order = [.. Enumerable.Range(0, Devices)];
    private readonly Queue<PlantMessage> _ready = [];
    private long _minute;

    public static DateTime Start { get; } = new(2026, 3, 10, 22, 20, 0, DateTimeKind.Utc);

    /// <summary>The next messages in the order of their arrival.</summary>
    public List<PlantMessage> Take(int count)
    {
        var taken = new List<PlantMessage>(count);
        while (taken.Count < count)
        {
            while (_ready.Count == 0)
                PassMinute();
            taken.Add(_ready.Dequeue());
        }

        return taken;
    }

    private void PassMinute()
    {
        while (_late.TryPeek(out var message, out var due) && due <= _minute)
        {
            _late.Dequeue();
            _ready.Enqueue(message);
        }

        for (var i = 0; i + 1 < Devices; i++)
        {
            if (_random.NextDouble() < SwappedShare)
                (_order[i], _order[i + 1]) = (_order[i + 1], _order[i]);
        }

        foreach (var device in _order)
        {
            var jitter = TimeSpan.FromMilliseconds(_random.Next(-6000, 6001));
            var message = new PlantMessage(device, (Start.AddMinutes(_minute) + jitter).Ticks, Measure(_values[device]));
            if (_random.NextDouble() < LateShare)
                _late.Enqueue(message, _minute + _random.Next(1, LatestMinutes + 1));
            else
                _ready.Enqueue(message);
        }

        _minute++;
    }

    /// <summary>3 readings of two decimals and 1 of one that wander, a counter, a switch, a constant, and 3 that use all their digits.</summary>
    private double[] Measure(double[] values)
    {
        for (var i = 0; i < 4; i++)
            values[i] = Math.Round(values[i] + _random.NextDouble() - 0.5, i < 3 ? 2 : 1);
        values[4] += _random.Next(0, 20);
        values[5] = _random.NextDouble() < 0.02 ? 1 - values[5] : values[5];
        values[6] = 50;
        for (var i = 7; i < Metrics; i++)
            values[i] = _random.NextDouble() * 100;
        return [.. values];
    }
}
