using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Insa.Iiot.LoadTest.Measuring;
using Insa.Iiot.LoadTest.Mqtt;
using Insa.Iiot.LoadTest.Serving;

namespace Insa.Iiot.LoadTest.Coap;

/// <summary>Loads the CoAP server and libcoap's in turn, and reports both and their ratio.</summary>
internal static class CoapLoad
{
    public static async Task<int> RunAsync(CoapOptions options)
    {
        var servers = new List<ServerProcess> { await ServerProcess.StartCoapAsync(options.Store) };
        if (options.CompareLibcoap)
            servers.Add(
                await ServerProcess.StartLibcoapAsync(
                    options.IsSecure ? System.Text.Encoding.ASCII.GetString(SecureDevice.Key) : null,
                    hasCertificate: options.Transport == "tls"
                )
            );
        var results = new List<CoapRunResult>();
        long answered = 0;
        long errors = 0;
        long? stored = null;
        try
        {
            var start = TimeProvider.System.GetUtcNow().AddYears(-9);
            for (var round = 0; round <= options.Rounds; round++)
            {
                foreach (var server in servers)
                {
                    var result = await RunOnceAsync(options, server, start.AddDays(32 * round), isWarmUp: round == 0);
                    errors += result.Errors + (result.Answered == 0 ? 1 : 0);
                    answered += server.IsOurs ? result.Answered : 0;
                    await Console.Error.WriteLineAsync(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"{(round == 0 ? "warm-up" : $"round {round}")} {result.Side}: {result.PerSecond:N0} requests/s, p99 {result.P99Milliseconds:F2} ms"
                        )
                    );
                    if (round > 0)
                        results.Add(result);
                }
            }

            if (options.Store != "null")
                stored = await servers[0].AskAsync("count");
        }
        finally
        {
            foreach (var server in servers)
                await server.DisposeAsync();
        }

        // A request that was answered only after it was given up is stored and not counted; none may be counted and not stored.
        errors += stored < answered ? 1 : 0;
        Report(options, results, answered, stored, errors);
        return errors == 0 ? 0 : 1;
    }

    private static async Task<CoapRunResult> RunOnceAsync(CoapOptions options, ServerProcess server, DateTimeOffset start, bool isWarmUp)
    {
        var seconds = isWarmUp ? Math.Min(options.Seconds, 2) : options.Seconds;
        using var load = Create(options, server, start);
        var handshakes = await load.PrepareAsync();
        var allocatedBefore = server.IsOurs ? await server.AskAsync("allocated") : 0;
        var before = ProcessUsage.Of(server.Id);
        var began = Stopwatch.GetTimestamp();
        await load.RunAsync(began + (Stopwatch.Frequency * seconds));
        var elapsed = Stopwatch.GetElapsedTime(began);
        var after = ProcessUsage.Of(server.Id);
        var allocated = server.IsOurs ? await server.AskAsync("allocated") - allocatedBefore : 0;
        var count = Math.Max(load.Answered, 1);
        return new CoapRunResult(
            server.Name,
            load.Answered,
            load.Answered / elapsed.TotalSeconds,
            load.Latency.Quantile(0.5) * 1000.0 / Stopwatch.Frequency,
            load.Latency.Quantile(0.99) * 1000.0 / Stopwatch.Frequency,
            (after.CpuSeconds - before.CpuSeconds) * 1e6 / count,
            after.PeakBytes / 1024.0 / 1024.0,
            server.IsOurs ? (double)allocated / count : null,
            load.Retransmitted,
            load.Errors,
            handshakes
        );
    }

    private static ICoapRun Create(CoapOptions options, ServerProcess server, DateTimeOffset start)
    {
        if (options.IsStream)
            return new StreamRun(options, server, start);
        return options.IsSecure ? new SecureRun(options, server, start) : new PlainRun(options, server, start);
    }

    private static void Report(CoapOptions options, List<CoapRunResult> results, long answered, long? stored, long errors)
    {
        var sides = results.GroupBy(result => result.Side).Select(Median).ToList();
        double? ratio = sides.Count == 2 ? sides[0].PerSecond / sides[1].PerSecond : null;
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
                        answered,
                        stored,
                        errors,
                    },
                    MqttLoad.Json
                )
            );
            return;
        }

        var type =
            options.IsStream ? options.Transport.ToUpperInvariant()
            : options.IsConfirmable ? "CON"
            : "NON";
        var load = options.IsStream
            ? $"{options.Endpoints} connections with {options.InFlight} requests in flight"
            : $"{options.Endpoints} endpoints with one exchange each";
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{type}{(options.IsSecure ? " over DTLS by pre-shared key" : "")}, {load}, 43 bytes of JSON, store {options.Store}, {options.Rounds} rounds of {options.Seconds} s, {Environment.ProcessorCount} cores shared with the generator; medians:"
            )
        );
        foreach (var side in sides)
        {
            var rates = results.Where(result => result.Side == side.Side).Select(result => result.PerSecond).ToList();
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"  {side.Side, -10} {side.PerSecond, 12:N0} requests/s ({rates.Min():N0} to {rates.Max():N0})  p50 {side.P50Milliseconds, 6:F2} ms  p99 {side.P99Milliseconds, 6:F2} ms  {side.CpuMicrosecondsPerRequest, 6:F2} us CPU  {side.PeakMebibytes, 5:F0} MiB peak  {side.AllocatedBytesPerRequest, 6:F2} B  {side.Retransmitted} sent again  {side.Errors} errors"
                )
            );
        }

        foreach (var side in sides.Where(side => side.HandshakesPerSecond is not null))
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"  {side.Side, -10} {side.HandshakesPerSecond:N0} handshakes/s before that, the client's half on the same cores"
                )
            );
        if (ratio is not null)
        {
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"  ratio      {ratio:F2} x the requests, {p99Ratio:F2} x the p99, {cpuRatio:F2} x the CPU per request"
                )
            );
        }

        if (stored is not null)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  answered {answered:N0}, stored {stored:N0}"));
    }

    private static CoapRunResult Median(IGrouping<string, CoapRunResult> runs)
    {
        return new CoapRunResult(
            runs.Key,
            (long)runs.MedianOf(run => run.Answered),
            runs.MedianOf(run => run.PerSecond),
            runs.MedianOf(run => run.P50Milliseconds),
            runs.MedianOf(run => run.P99Milliseconds),
            runs.MedianOf(run => run.CpuMicrosecondsPerRequest),
            runs.MedianOf(run => run.PeakMebibytes),
            runs.First().AllocatedBytesPerRequest is null ? null : runs.MedianOf(run => run.AllocatedBytesPerRequest!.Value),
            runs.Sum(run => run.Retransmitted),
            runs.Sum(run => run.Errors),
            runs.First().HandshakesPerSecond is null ? null : runs.MedianOf(run => run.HandshakesPerSecond!.Value)
        );
    }
}
