using System.Diagnostics;
using Insa.Iiot.LoadTest.Measuring;
using Insa.Iiot.LoadTest.Serving;

namespace Insa.Iiot.LoadTest.Coap;

/// <summary>Devices with a DTLS session and a thread each.</summary>
internal sealed class SecureRun(CoapOptions options, ServerProcess server, DateTimeOffset start) : ICoapRun
{
    private const int HandshakesAtOnce = 16;

    private readonly SecureDevice[] _devices =
    [
        .. Enumerable.Range(0, options.Endpoints).Select(_ => new SecureDevice(server.IsOurs, options.IsConfirmable, start)),
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

    public long Retransmitted => _devices.Sum(device => device.Retransmitted);

    public long Errors => _devices.Sum(device => device.Errors);

    public async Task<double?> PrepareAsync()
    {
        var began = Stopwatch.GetTimestamp();
        await Parallel.ForAsync(
            0,
            _devices.Length,
            new ParallelOptions { MaxDegreeOfParallelism = HandshakesAtOnce },
            async (number, _) => await _devices[number].ConnectAsync(server.SecurePort, number)
        );
        return _devices.Length / Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    public Task RunAsync(long deadline) => Task.WhenAll(_devices.Select(device => device.RunAsync(deadline)));

    public void Dispose()
    {
        foreach (var device in _devices)
            device.Dispose();
    }
}
