using System.Diagnostics;
using Insa.Iiot.LoadTest.Measuring;
using Insa.Iiot.LoadTest.Serving;

namespace Insa.Iiot.LoadTest.Coap;

/// <summary>Devices with a connection each.</summary>
internal sealed class StreamRun(CoapOptions options, ServerProcess server, DateTimeOffset start) : ICoapRun
{
    private const int HandshakesAtOnce = 16;

    private readonly StreamDevice[] _devices =
    [
        .. Enumerable.Range(0, options.Endpoints).Select(number => new StreamDevice(number, options.InFlight, server.IsOurs, start)),
    ];

    public LatencyHistogram Latency
    {
        get
        {
            var all = new LatencyHistogram();
            foreach (var device in _devices)
                all.Add(device.Latency);
            return all;
        }
    }

    public long Answered => _devices.Sum(device => device.Answered);

    public long Retransmitted => 0;

    public long Errors => _devices.Sum(device => device.Errors);

    public async Task<double?> PrepareAsync()
    {
        var isSecure = options.Transport == "tls";
        var began = Stopwatch.GetTimestamp();
        await Parallel.ForAsync(
            0,
            _devices.Length,
            new ParallelOptions { MaxDegreeOfParallelism = HandshakesAtOnce },
            async (number, _) => await _devices[number].ConnectAsync(isSecure ? server.TlsPort : server.TcpPort, isSecure)
        );
        return isSecure ? _devices.Length / Stopwatch.GetElapsedTime(began).TotalSeconds : null;
    }

    public Task RunAsync(long deadline) => Task.WhenAll(_devices.Select(device => Task.Run(() => device.RunAsync(deadline))));

    public void Dispose()
    {
        foreach (var device in _devices)
            device.Dispose();
    }
}
