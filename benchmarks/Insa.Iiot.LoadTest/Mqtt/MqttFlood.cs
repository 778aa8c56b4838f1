using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Insa.Iiot.LoadTest.Measuring;
using Insa.Iiot.LoadTest.Serving;

namespace Insa.Iiot.LoadTest.Mqtt;

/// <summary>Times a quiet tenant's messages while the server is idle, and while another tenant floods it.</summary>
internal static class MqttFlood
{
    private const double QuietPerSecond = 10;

    public static async Task<int> RunAsync(LoadOptions options)
    {
        await using var server = await ServerProcess.StartEndpointAsync(options);
        var storedBefore = options.Store == "null" ? 0 : await server.AskAsync("count");
        var start = TimeProvider.System.GetUtcNow().AddYears(-9);
        var warmUp = await RunAsync(options, server, start, flood: true, seconds: 2);
        var idle = await RunAsync(options, server, start.AddDays(32), flood: false, options.Seconds);
        var flooded = await RunAsync(options, server, start.AddDays(64), flood: true, options.Seconds);

        var acknowledged = new[] { warmUp, idle, flooded }.Sum(run => run.Quiet.Count + run.Flood.Count);
        long? stored = options.Store == "null" ? null : await server.AskAsync("count") - storedBefore;
        var errors = warmUp.Errors + idle.Errors + flooded.Errors + (stored is { } count && count != acknowledged ? 1 : 0);
        var result = new FloodResult(
            Milliseconds(idle.Quiet, 0.5),
            Milliseconds(idle.Quiet, 0.99),
            Milliseconds(flooded.Quiet, 0.5),
            Milliseconds(flooded.Quiet, 0.99),
            flooded.Quiet.Count,
            flooded.PerSecond,
            Milliseconds(flooded.Flood, 0.5),
            acknowledged,
            stored,
            errors
        );
        Console.WriteLine(options.Json ? JsonSerializer.Serialize(new { options, result }, MqttLoad.Json) : Describe(options, result));
        return errors == 0 ? 0 : 1;
    }

    private static string Describe(LoadOptions options, FloodResult result) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"""
            A quiet tenant ({QuietPerSecond} msg/s) beside {options.Connections} x {options.InFlight} of another, store {options.Store}, {options.Seconds} s each, {Environment.ProcessorCount} cores shared with the generator:
              idle     p50 {result.IdleP50Milliseconds:F2} ms  p99 {result.IdleP99Milliseconds:F2} ms
              flooded  p50 {result.FloodedP50Milliseconds:F2} ms  p99 {result.FloodedP99Milliseconds:F2} ms of {result.QuietMessages} messages   the flood: {result.FloodPerSecond:N0} msg/s, p50 {result.FloodP50Milliseconds:F2} ms
              ratio    {result.FloodedP99Milliseconds / result.IdleP99Milliseconds:F2} x the p99
              acknowledged {result.Acknowledged:N0}, stored {(result.Stored is null ? "-" : $"{result.Stored:N0}")}, {result.Errors} errors
            """
        );

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
