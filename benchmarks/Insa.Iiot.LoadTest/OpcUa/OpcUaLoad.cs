using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Insa.Iiot.LoadTest.Measuring;
using Insa.Iiot.LoadTest.Mqtt;
using Insa.Iiot.LoadTest.Serving;

namespace Insa.Iiot.LoadTest.OpcUa;

/// <summary>Loads the OPC UA server and node-opcua's in turn, and reports both and their ratio.</summary>
internal static class OpcUaLoad
{
    private const int WarmUpSeconds = 2;

    public static async Task<int> RunAsync(OpcUaOptions options)
    {
        var servers = new List<OpcUaTarget> { await OpcUaTarget.StartOursAsync(options) };
        var results = new List<OpcUaRunResult>();
        var weights = new List<OpcUaWeight>();
        try
        {
            if (options.CompareNodeOpcUa)
                servers.Add(await OpcUaTarget.StartNodeAsync(options));
            for (var round = 0; round <= options.Rounds; round++)
            {
                foreach (var server in servers)
                {
                    var result = await RunOnceAsync(
                        options,
                        server,
                        round == 0 ? Math.Min(options.Seconds, WarmUpSeconds) : options.Seconds
                    );
                    await Console.Error.WriteLineAsync(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"{(round == 0 ? "warm-up" : $"round {round}")} {result.Side}: {result.ValuesPerSecond:N0} values/s, p99 {result.P99Milliseconds:F2} ms, {result.Errors} errors"
                        )
                    );
                    if (round > 0)
                        results.Add(result);
                }
            }

            foreach (var server in servers)
                weights.Add(await OpcUaWeight.OfAsync(options, server));
        }
        finally
        {
            foreach (var server in servers)
                await server.DisposeAsync();
        }

        Report(options, results, weights);
        return results.All(result => result is { Errors: 0, Requests: > 0 }) ? 0 : 1;
    }

    private static async Task<OpcUaRunResult> RunOnceAsync(OpcUaOptions options, OpcUaTarget server, int seconds)
    {
        var clients = new List<OpcUaClient>();
        try
        {
            for (var i = 0; i < options.Connections; i++)
                clients.Add(server.Connect());
            return options.Mode == "subscribe"
                ? await SubscribeAsync(options, server, clients, seconds)
                : await ReadAsync(options, server, clients, seconds);
        }
        finally
        {
            foreach (var client in clients)
                client.Dispose();
        }
    }

    private static async Task<OpcUaRunResult> ReadAsync(OpcUaOptions options, OpcUaTarget server, List<OpcUaClient> clients, int seconds)
    {
        var values = options.Mode == "batch" ? options.Values : 1;
        var runs = clients
            .Select(
                (client, i) =>
                    new OpcUaRead(client, OpcUaRead.Request(client, server.Namespace, i * values, values), values, options.InFlight)
            )
            .ToList();
        var usage = await server.UsageAsync();
        var began = Stopwatch.GetTimestamp();
        await RunAllAsync(runs.Select(run => (Action)(() => run.Run(began + (Stopwatch.Frequency * seconds)))));
        var elapsed = Stopwatch.GetElapsedTime(began).TotalSeconds;
        var latency = new LatencyHistogram();
        foreach (var run in runs)
            latency.Add(run.Latency);
        var answered = runs.Sum(run => run.Answered);
        return await ResultAsync(server, usage, elapsed, answered, answered * values, answered, latency, runs.Sum(run => run.Errors));
    }

    private static async Task<OpcUaRunResult> SubscribeAsync(
        OpcUaOptions options,
        OpcUaTarget server,
        List<OpcUaClient> clients,
        int seconds
    )
    {
        var share = options.Items / clients.Count;
        var interval = 1000.0 / options.Rate;
        var runs = clients
            .Select((client, i) => OpcUaSubscribe.Create(client, server.Namespace, i * share, share, interval, samplingInterval: 0))
            .ToList();
        // The first second has the items' first values, and the client's compiler, in it.
        var from = Stopwatch.GetTimestamp() + Stopwatch.Frequency;
        var until = from + (Stopwatch.Frequency * seconds);
        var running = RunAllAsync(runs.Select(run => (Action)(() => run.Run(from, until))));
        await Task.Delay(TimeSpan.FromSeconds(1));
        var usage = await server.UsageAsync();
        var began = Stopwatch.GetTimestamp();
        await running;
        var elapsed = Stopwatch.GetElapsedTime(began).TotalSeconds;
        var latency = new LatencyHistogram();
        foreach (var run in runs)
            latency.Add(run.Latency);
        var notifications = runs.Sum(run => run.Notifications);
        return await ResultAsync(
            server,
            usage,
            elapsed,
            runs.Sum(run => run.Answered),
            notifications,
            notifications,
            latency,
            runs.Sum(run => run.Errors)
        );
    }

    // A thread each, and its failure is the run's.
    private static Task RunAllAsync(IEnumerable<Action> runs) =>
        Task.WhenAll(runs.Select(run => Task.Factory.StartNew(run, TaskCreationOptions.LongRunning)).ToList());

    private static async Task<OpcUaRunResult> ResultAsync(
        OpcUaTarget server,
        OpcUaUsage before,
        double elapsed,
        long requests,
        long values,
        long perWhat,
        LatencyHistogram latency,
        long errors
    )
    {
        var after = await server.UsageAsync();
        var cpu = after.CpuSeconds - before.CpuSeconds;
        return new OpcUaRunResult(
            server.Name,
            requests,
            values / elapsed,
            requests / elapsed,
            latency.Quantile(0.5) * 1000.0 / Stopwatch.Frequency,
            latency.Quantile(0.99) * 1000.0 / Stopwatch.Frequency,
            cpu * 1e6 / Math.Max(perWhat, 1),
            cpu / elapsed,
            after.PeakMebibytes,
            after.Allocated is { } allocated ? (double)(allocated - before.Allocated!.Value) / Math.Max(perWhat, 1) : null,
            errors
        );
    }

    private static void Report(OpcUaOptions options, List<OpcUaRunResult> results, List<OpcUaWeight> weights)
    {
        var sides = results.GroupBy(result => result.Side).Select(Median).ToList();
        double? ratio = sides.Count == 2 ? sides[0].ValuesPerSecond / sides[1].ValuesPerSecond : null;
        double? p99Ratio = sides.Count == 2 ? sides[0].P99Milliseconds / sides[1].P99Milliseconds : null;
        double? cpuRatio = sides.Count == 2 ? sides[0].CpuMicrosecondsPerRequest / sides[1].CpuMicrosecondsPerRequest : null;
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
                        p99Ratio,
                        cpuRatio,
                        weights,
                    },
                    MqttLoad.Json
                )
            );
            return;
        }

        var (load, unit) = options.Mode switch
        {
            "read" => ($"reads of one value, {options.Connections} sessions with {options.InFlight} in flight", "request"),
            "batch" => ($"reads of {options.Values} values, {options.Connections} sessions with {options.InFlight} in flight", "request"),
            _ => ($"{options.Items} items that change {options.Rate} times a second, {options.Connections} subscriptions", "notification"),
        };
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{load}, policy {options.PolicyName}, {options.Rounds} rounds of {options.Seconds} s, {Environment.ProcessorCount} cores shared with the generator; medians:"
            )
        );
        foreach (var side in sides)
        {
            var rates = results.Where(result => result.Side == side.Side).Select(result => result.ValuesPerSecond).ToList();
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"  {side.Side, -10} {side.ValuesPerSecond, 12:N0} values/s ({rates.Min():N0} to {rates.Max():N0})  {side.RequestsPerSecond, 9:N0} answers/s  p50 {side.P50Milliseconds, 6:F2} ms  p99 {side.P99Milliseconds, 6:F2} ms  {side.CpuMicrosecondsPerRequest, 7:F2} us CPU and {side.AllocatedBytesPerRequest, 6:F1} B per {unit}  {side.ServerCores:F2} cores  {side.PeakMebibytes, 5:F0} MiB peak  {side.Errors} errors"
                )
            );
        }

        if (ratio is not null)
        {
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"  ratio      {ratio:F2} x the values, {p99Ratio:F2} x the p99, {cpuRatio:F2} x the CPU per {unit}"
                )
            );
        }

        foreach (var weight in weights.Where(weight => weight.BytesPerIdleSession is not null || weight.BytesPerIdleItem is not null))
        {
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"  {weight.Side, -10} {weight.BytesPerIdleSession / 1024:F1} KiB per idle session, {weight.BytesPerIdleItem:F0} B per idle monitored item (resident)"
                )
            );
        }
    }

    private static OpcUaRunResult Median(IGrouping<string, OpcUaRunResult> runs) =>
        new(
            runs.Key,
            (long)runs.MedianOf(run => run.Requests),
            runs.MedianOf(run => run.ValuesPerSecond),
            runs.MedianOf(run => run.RequestsPerSecond),
            runs.MedianOf(run => run.P50Milliseconds),
            runs.MedianOf(run => run.P99Milliseconds),
            runs.MedianOf(run => run.CpuMicrosecondsPerRequest),
            runs.MedianOf(run => run.ServerCores),
            runs.MedianOf(run => run.PeakMebibytes),
            runs.First().AllocatedBytesPerRequest is null ? null : runs.MedianOf(run => run.AllocatedBytesPerRequest!.Value),
            runs.Sum(run => run.Errors)
        );
}
