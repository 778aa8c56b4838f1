namespace Insa.Iiot.Ingestion.Pipeline;

/// <summary>What became of a tenant's messages: received = committed + rejected + dead-lettered + in flight. Guarded by the lane's lock.</summary>
internal sealed class LaneLedger
{
    public const int ReasonCount = (int)IngestReason.Unstorable + 1;

    private readonly long[] _rejected = new long[ReasonCount];

    public long Received { get; set; }

    public long Committed { get; set; }

    public long CommittedPoints { get; set; }

    public long DeadLettered { get; set; }

    public long InFlight { get; set; }

    public long RejectedFor(IngestReason reason) => _rejected[(int)reason];

    public void Rejected(IngestReason reason, long messages = 1) => _rejected[(int)reason] += messages;
}
