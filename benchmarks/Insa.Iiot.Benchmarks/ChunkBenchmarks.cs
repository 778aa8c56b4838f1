using BenchmarkDotNet.Attributes;
using Insa.Iiot.Storage.Postgres.Chunks;

namespace Insa.Iiot.Benchmarks;

/// <summary>One series of a day at one point a minute into a chunk and back; the times are per point.</summary>
[MemoryDiagnoser]
public class ChunkBenchmarks
{
    private const int Points = 1_440;
    private const long Start = 1_777_636_800_000_000;

    private readonly ChunkEncoder _encoder = new();
    private readonly ChunkDecoder _decoder = new();
    private readonly SeriesColumns _series = new();
    private readonly SeriesColumns _read = new();
    private byte[] _chunk = [];

    /// <summary>What the series is made of.</summary>
    [Params("rounded", "rounded, jitter", "full precision, jitter", "counter", "boolean", "constant", "words")]
    public string Series { get; set; } = "rounded";

    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        var walk = 50.0;
        var isJittered = Series.EndsWith("jitter", StringComparison.Ordinal);
        _series.Clear();
        for (var i = 0; i < Points; i++)
        {
            var time = Start + (i * 60_000_000L) + (isJittered ? random.Next(-6_000, 6_001) * 1_000L : 0);
            walk += random.NextDouble() - 0.5;
            if (Series == "words")
            {
                _series.AppendText(time, TelemetryValueKind.Text, i / 30 % 2 == 0 ? "RUNNING"u8 : "IDLE"u8, TelemetryQuality.Good);
                continue;
            }

            var (kind, bits) = Series switch
            {
                "counter" => (TelemetryValueKind.Long, (i * 1_000L) + random.Next(1_000)),
                "boolean" => (TelemetryValueKind.Bool, i / 200 % 2L),
                "constant" => (TelemetryValueKind.Double, BitConverter.DoubleToInt64Bits(21.5)),
                "full precision, jitter" => (TelemetryValueKind.Double, BitConverter.DoubleToInt64Bits(walk)),
                _ => (TelemetryValueKind.Double, BitConverter.DoubleToInt64Bits(Math.Round(walk, 2))),
            };
            _series.Append(time, kind, bits, TelemetryQuality.Good);
        }

        _chunk = _encoder.Encode(_series).ToArray();
        Console.WriteLine($"// {Series}: {_chunk.Length / (double)Points:F2} bytes per point");
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Points)]
    public int Encode() => _encoder.Encode(_series).Length;

    [Benchmark(OperationsPerInvoke = Points)]
    public int Decode() =>
        _decoder.TryDecode(_chunk, Points, Points * 8, _read) ? _read.Count : throw new InvalidOperationException("The chunk was refused.");

    [Benchmark(OperationsPerInvoke = Points)]
    public double Summarise() => ChunkSummary.Of(_series).Sum;
}
