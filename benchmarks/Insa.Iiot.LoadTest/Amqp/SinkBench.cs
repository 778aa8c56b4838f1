using System.Diagnostics;
using System.Globalization;
using Insa.Iiot.LoadTest.Measuring;
using Insa.Iiot.LoadTest.Serving;
using Insa.Iiot.Peers;

namespace Insa.Iiot.LoadTest.Amqp;

/// <summary>Measures how much telemetry goes from a host that takes it, through a broker, to a host that writes it, and how long devices wait.</summary>
internal static class SinkBench
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public static async Task<int> RunAsync(SinkOptions options)
    {
        await using var broker = await RabbitMqBroker.StartAsync("vm_memory_high_watermark.relative = 0.4");
        await using var postgres = options.Store == "postgres" ? await PrivatePostgres.StartAsync() : null;
        await using var hosts = new SinkHosts(broker.Uri, options, postgres);
        await hosts.StartAsync();
        var results = new List<SinkResult>();
        var acknowledged = 0L;
        for (var round = 0; round <= options.Rounds; round++)
        {
            var result = await RunOnceAsync(hosts, options, round);
            acknowledged += result.Points;
            await WaitForStoredAsync(hosts, acknowledged);
            await Console.Error.WriteLineAsync($"{(round == 0 ? "warm-up" : $"round {round}")}: {result}");
            if (round > 0)
                results.Add(result);
        }

        // Nothing fails here, so nothing comes twice: what is stored is what was acknowledged.
        var isRight = hosts.Stored == acknowledged && results.All(result => result.Errors == 0);
        var waits = options.EndToEnd ? "the store's commit" : "the broker's confirmation, on its disk";
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{options.Devices} devices of {options.Tenants} tenants, {options.Points} points a frame, {options.Partitions} partition(s), store {options.Store}, {options.Rounds} rounds of {options.Seconds} s, {Environment.ProcessorCount} cores shared by both hosts, broker and devices; medians, acknowledged after {waits}:"
            )
        );
        Console.WriteLine("  " + SinkResult.MedianOf(results));
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"  acknowledged {acknowledged:N0} points, stored {hosts.Stored:N0}: {(isRight ? "all, and nothing twice" : "NOT the same")}"
            )
        );
        return isRight ? 0 : 1;
    }

    private static async Task<SinkResult> RunOnceAsync(SinkHosts hosts, SinkOptions options, int round)
    {
        var start = TimeProvider.System.GetUtcNow().AddYears(-9).AddDays(32 * round).ToUnixTimeMilliseconds();
        var feeders = Enumerable.Range(0, options.Tenants).Select(tenant => new SinkFeeder(hosts.Ingress, tenant, options, start)).ToList();
        var seconds = round == 0 ? Math.Min(options.Seconds, 3) : options.Seconds;
        var storedBefore = hosts.Stored;
        var cpuBefore = ProcessUsage.Of(Environment.ProcessId).CpuSeconds;
        var began = Stopwatch.GetTimestamp();
        var end = began + (Stopwatch.Frequency * seconds);
        await Task.WhenAll(feeders.Select(feeder => Task.Run(() => feeder.RunAsync(began, end))));
        var elapsed = Stopwatch.GetElapsedTime(began).TotalSeconds;
        var points = feeders.Sum(feeder => feeder.Acknowledged) * options.Points;
        var latency = new LatencyHistogram();
        feeders.ForEach(feeder => latency.Add(feeder.Latency));
        return new SinkResult(
            points,
            points / elapsed,
            (hosts.Stored - storedBefore) / elapsed,
            latency.Quantile(0.5) * 1000.0 / Stopwatch.Frequency,
            latency.Quantile(0.99) * 1000.0 / Stopwatch.Frequency,
            (ProcessUsage.Of(Environment.ProcessId).CpuSeconds - cpuBefore) * 1e6 / Math.Max(points, 1),
            feeders.Sum(feeder => feeder.Errors)
        );
    }

    private static async Task WaitForStoredAsync(SinkHosts hosts, long points)
    {
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            while (hosts.Stored < points)
                await Task.Delay(10, patience.Token);
        }
        catch (OperationCanceledException)
        {
            // The report says that it is not all there.
        }
    }
}
