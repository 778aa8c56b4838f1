using Insa.Iiot.LoadTest.Measuring;
using Insa.Iiot.LoadTest.Serving;

namespace Insa.Iiot.LoadTest.Coap;

/// <summary>Devices without sessions, all on one thread.</summary>
internal sealed class PlainRun(CoapOptions options, ServerProcess server, DateTimeOffset start) : ICoapRun
{
    private readonly CoapGenerator _generator = new(server.Port, 0, options.Endpoints, server.IsOurs, options.IsConfirmable, start);

    public LatencyHistogram Latency => _generator.Latency;

    public long Answered => _generator.Answered;

    public long Retransmitted => _generator.Retransmitted;

    public long Errors => _generator.Errors;

    public Task<double?> PrepareAsync() => Task.FromResult<double?>(null);

    public Task RunAsync(long deadline) => Task.Factory.StartNew(() => _generator.Run(deadline), TaskCreationOptions.LongRunning);

    public void Dispose() => _generator.Dispose();
}
