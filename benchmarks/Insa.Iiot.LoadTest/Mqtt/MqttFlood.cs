using System.Diagnostics;
using System.Globalization;
using Insa.Iiot.LoadTest.Measuring;
using Insa.Iiot.LoadTest.Serving;

namespace Insa.Iiot.LoadTest.Mqtt;

/// <summary>Times a quiet tenant's messages while the server is idle, and while another tenant floods it.</summary>
internal static class MqttFlood
{
    private const double QuietPerSecond = 10;

    public static async Task<int> RunAsync(LoadOptions options)
    {
        await using var server = await ServerProcess.StartEndpointAsync(options.Store);
        var start = TimeProvider.System.GetUtcNow().AddYears(-3);
        await RunAsync(options, server, start, flood: true, seconds: 2);

        var idle = await RunAsync(options, server, start.AddDays(1), flood: false, options.Seconds);
        var flooded = await RunAsync(options, server, start.AddDays(2), flood: true, options.Seconds);
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"A quiet tenant ({QuietPerSecond} msg/s) beside {options.Connections} x {options.InFlight} of another, store {options.Store}, {options.Seconds} s each, {Environment.ProcessorCount} cores shared with the generator:"
            )
        );
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"  idle     p50 {Milliseconds(idle.Quiet, 0.5):F2} ms  p99 {Milliseconds(idle.Quiet, 0.99):F2} ms"
            )
        );
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"  flooded  p50 {Milliseconds(flooded.Quiet, 0.5):F2} ms  p99 {Milliseconds(flooded.Quiet, 0.99):F2} ms   the flood: {flooded.PerSecond:N0} msg/s, p50 {Milliseconds(flooded.Flood, 0.5):F2} ms"
            )
        );
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"  ratio    {Milliseconds(flooded.Quiet, 0.99) / Milliseconds(idle.Quiet, 0.99):F2} x the p99"
            )
        );
        return idle.Errors + flooded.Errors == 0 ? 0 : 1;
    }

    private static async Task<(LatencyHistogram Quiet, LatencyHistogram Flood, double PerSecond, long Errors)> RunAsync(
        LoadOptions options,
        ServerProcess server,
        DateTimeOffset start,
        bool flood,
        int seconds
    )
    {
        using var quiet = new MqttGenerator("quiet@quiet", 1, options.Payload, start, QuietPerSecond);
        var loud = Enumerable
            .Range(0, flood ? options.Connections : 0)
            .Select(device => new MqttGenerator($"load-{device}@load", options.InFlight, options.Payload, start))
            .ToList();
        try
        {
            List<MqttGenerator> all = [quiet, .. loud];
            foreach (var generator in all)
                await generator.ConnectAsync(server.Port);
            var deadline = Stopwatch.GetTimestamp() + (Stopwatch.Frequency * seconds);
            await Task.WhenAll(all.Select(generator => Task.Run(() => generator.RunAsync(deadline))));
            var latency = new LatencyHistogram();
            loud.ForEach(generator => latency.Add(generator.Latency));
            return (quiet.Latency, latency, (double)latency.Count / seconds, all.Sum(generator => generator.Errors));
        }
        finally
        {
            loud.ForEach(generator => generator.Dispose());
        }
    }

    private static double Milliseconds(LatencyHistogram histogram, double quantile) =>
        histogram.Quantile(quantile) * 1000.0 / Stopwatch.Frequency;
}
