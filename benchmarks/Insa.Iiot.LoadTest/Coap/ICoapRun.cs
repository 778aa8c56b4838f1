using Insa.Iiot.LoadTest.Measuring;

namespace Insa.Iiot.LoadTest.Coap;

/// <summary>The devices of one run.</summary>
internal interface ICoapRun : IDisposable
{
    LatencyHistogram Latency { get; }

    long Answered { get; }

    long Retransmitted { get; }

    long Errors { get; }

    /// <summary>Makes their sessions, where they have any.</summary>
    /// <returns>How many a second.</returns>
    Task<double?> PrepareAsync();

    /// <summary>Exchanges until the deadline, and waits for what is in flight then.</summary>
    Task RunAsync(long deadline);
}
