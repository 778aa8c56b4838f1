using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Insa.Iiot.LoadTest.Measuring;
using Insa.Iiot.LoadTest.Serving;

namespace Insa.Iiot.LoadTest.Mqtt;

/// <summary>Loads the endpoint and its peer in turn, and reports both and their ratio.</summary>
internal static class MqttLoad
{
    internal static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static async Task<int> RunAsync(LoadOptions options)
    {
        var servers = new List<ServerProcess> { await ServerProcess.StartEndpointAsync(options) };
        if (options.CompareMosquitto)
            servers.Add(await ServerProcess.StartMosquittoAsync());

        var results = new List<RunResult>();
        long? stored = null;
        long acknowledged = 0;
        long errors = 0;
        try
        {
            var storedBefore = options.Store == "null" ? 0 : await servers[0].AskAsync("count");

            // Nine years back, and a month for every round: each message of a device has a time of its own, inside the window.
            var start = TimeProvider.System.GetUtcNow().AddYears(-9);
            for (var round = 0; round <= options.Rounds; round++)
            {
                foreach (var server in servers)
                {
                    var result = await RunOnceAsync(options, server, start.AddDays(32 * round), isWarmUp: round == 0);
                    errors += result.Errors + (result.Acknowledged == 0 ? 1 : 0);
                    if (server.IsOurs)
                        acknowledged += result.Acknowledged;
                    await Console.Error.WriteLineAsync(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"{(round == 0 ? "warm-up" : $"round {round}")} {result.Side}: {result.AcknowledgedPerSecond:N0} msg/s, p99 {result.P99Milliseconds:F2} ms"
                        )
                    );
                    if (round > 0)
                        results.Add(result);
                }
            }

            if (options.Store != "null")
                stored = await servers[0].AskAsync("count") - storedBefore;
        }
        finally
        {
            foreach (var server in servers)
                await server.DisposeAsync();
        }

        errors += stored is { } count && count != acknowledged ? 1 : 0;
        Report(options, results, acknowledged, stored, errors);
        return errors == 0 ? 0 : 1;
    }

    private static async Task<RunResult> RunOnceAsync(LoadOptions options, ServerProcess server, DateTimeOffset start, bool isWarmUp)
    {
        var generators = Enumerable
            .Range(0, options.Connections)
            .Select(device => new MqttGenerator(
                $"load-{device}@load",
                options.InFlight,
                options.Payload,
                start,
                (double)options.Rate / options.Connections
            ))
            .ToList();
        try
        {
            foreach (var generator in generators)
                await generator.ConnectAsync(server.Port);
            var allocatedBefore = server.IsOurs ? await server.AskAsync("allocated") : 0;
            var before = ProcessUsage.Of(server.Id);
            var began = Stopwatch.GetTimestamp();
            var deadline = began + (Stopwatch.Frequency * (isWarmUp ? Math.Min(options.Seconds, 2) : options.Seconds));
            var running = Task.WhenAll(generators.Select(generator => Task.Run(() => generator.RunAsync(deadline))));
            var resident = options.Rate > 0 ? await WatchMemoryAsync(server, running) : null;
            await running;
            var elapsed = Stopwatch.GetElapsedTime(began);
            var after = ProcessUsage.Of(server.Id);
            var allocated = server.IsOurs ? await server.AskAsync("allocated") - allocatedBefore : 0;

            var latency = new LatencyHistogram();
            foreach (var generator in generators)
                latency.Add(generator.Latency);
            var count = generators.Sum(generator => generator.Acknowledged);
            return new RunResult(
                server.Name,
                count,
                count / elapsed.TotalSeconds,
                latency.Quantile(0.5) * 1000.0 / Stopwatch.Frequency,
                latency.Quantile(0.99) * 1000.0 / Stopwatch.Frequency,
                (after.CpuSeconds - before.CpuSeconds) * 1e6 / Math.Max(count, 1),
                after.PeakBytes / 1024.0 / 1024.0,
                server.IsOurs ? (double)allocated / Math.Max(count, 1) : null,
                generators.Sum(generator => generator.Errors),
                resident
            );
        }
        finally
        {
            generators.ForEach(generator => generator.Dispose());
        }
    }

    private static async Task<ResidentMemory?> WatchMemoryAsync(ServerProcess server, Task running)
    {
        var sizes = new List<double>();
        while (await Task.WhenAny(running, Task.Delay(TimeSpan.FromSeconds(1))) != running)
        {
            sizes.Add(ProcessUsage.ResidentBytesOf(server.Id) / 1024.0 / 1024.0);
            await Console.Error.WriteLineAsync(
                string.Create(CultureInfo.InvariantCulture, $"  {server.Name} {sizes.Count, 4} s  {sizes[^1]:F1} MiB")
            );
        }

        return ResidentMemory.Of(sizes);
    }

    private static void Report(LoadOptions options, List<RunResult> results, long acknowledged, long? stored, long errors)
    {
        var sides = results.GroupBy(result => result.Side).Select(Median).ToList();
        double? ratio = sides.Count == 2 ? sides[0].AcknowledgedPerSecond / sides[1].AcknowledgedPerSecond : null;
        double? cpuRatio = sides.Count == 2 ? sides[0].CpuMicrosecondsPerMessage / sides[1].CpuMicrosecondsPerMessage : null;
        if (options.Json)
        {
            Console.WriteLine(
                JsonSerializer.Serialize(
                    new
                    {
                        options,
                        cores = Environment.ProcessorCount,
                        runs = results,
                        medians = sides,
                        ratio,
                        cpuRatio,
                        acknowledged,
                        stored,
                        errors,
                    },
                    Json
                )
            );
            return;
        }

        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"QoS 1, {options.Connections} connections x {options.InFlight} in flight, {options.Payload} bytes, store {options.Store}, {options.Rounds} rounds of {options.Seconds} s, {Environment.ProcessorCount} cores shared with the generator; medians:"
            )
        );
        foreach (var side in sides)
        {
            var rates = results.Where(result => result.Side == side.Side).Select(result => result.AcknowledgedPerSecond).ToList();
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"  {side.Side, -10} {side.AcknowledgedPerSecond, 12:N0} msg/s ({rates.Min():N0} to {rates.Max():N0})  p50 {side.P50Milliseconds, 7:F2} ms  p99 {side.P99Milliseconds, 7:F2} ms  {side.CpuMicrosecondsPerMessage, 6:F2} us CPU/msg  {side.PeakMebibytes, 5:F0} MiB peak  {side.AllocatedBytesPerMessage, 6:F2} B/msg  {side.Errors} errors"
                )
            );
        }

        foreach (var (side, resident) in results.Where(result => result.Resident is not null).Select(run => (run.Side, run.Resident!)))
        {
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"  {side, -10} resident {resident.LeastMebibytes:F1} to {resident.MostMebibytes:F1} MiB, second quarter {resident.SecondQuarterMebibytes:F1}, last {resident.LastQuarterMebibytes:F1}"
                )
            );
        }

        if (ratio is not null)
            Console.WriteLine(
                string.Create(CultureInfo.InvariantCulture, $"  ratio      {ratio:F2} x the messages, {cpuRatio:F2} x the CPU per message")
            );
        if (stored is not null)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  acknowledged {acknowledged:N0}, stored {stored:N0}"));
    }

    private static RunResult Median(IGrouping<string, RunResult> runs)
    {
        return new RunResult(
            runs.Key,
            (long)runs.MedianOf(run => run.Acknowledged),
            runs.MedianOf(run => run.AcknowledgedPerSecond),
            runs.MedianOf(run => run.P50Milliseconds),
            runs.MedianOf(run => run.P99Milliseconds),
            runs.MedianOf(run => run.CpuMicrosecondsPerMessage),
            runs.MedianOf(run => run.PeakMebibytes),
            runs.First().AllocatedBytesPerMessage is null ? null : runs.MedianOf(run => run.AllocatedBytesPerMessage!.Value),
            runs.Sum(run => run.Errors),
            Resident: null
        );
    }
}
