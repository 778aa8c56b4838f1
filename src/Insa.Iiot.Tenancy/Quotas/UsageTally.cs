namespace Insa.Iiot.Tenancy.Quotas;

/// <summary>What this host has taken and refused of one tenant since it was last written down.</summary>
internal sealed class UsageTally
{
    private static readonly IngestReason[] Reasons = [IngestReason.TenantInactive, IngestReason.QuotaExceeded, IngestReason.RateLimited];

    private readonly long[] _refusals = new long[Reasons.Length];
    private long _messages;
    private long _bytes;
    private long _points;

    public void Admitted(int bytes)
    {
        Interlocked.Increment(ref _messages);
        Interlocked.Add(ref _bytes, bytes);
    }

    public void Refused(IngestReason reason) => Interlocked.Increment(ref _refusals[Array.IndexOf(Reasons, reason)]);

    public void Committed(long points) => Interlocked.Add(ref _points, points);

    /// <summary>Takes everything out.</summary>
    public UsageNumbers Take()
    {
        var numbers = new UsageNumbers(
            Interlocked.Exchange(ref _messages, 0),
            Interlocked.Exchange(ref _points, 0),
            Interlocked.Exchange(ref _bytes, 0),
            Interlocked.Exchange(ref _refusals[0], 0),
            Interlocked.Exchange(ref _refusals[1], 0),
            Interlocked.Exchange(ref _refusals[2], 0)
        );
        return numbers;
    }
}
