namespace Insa.Iiot;

/// <summary>What the ingress did with a message.</summary>
public enum IngestStatus
{
    /// <summary>Taken; acknowledge it when <see cref="IngestReceipt.Commit"/> completes.</summary>
    Accepted = 0,

    /// <summary>Not taken for want of room; nothing was counted. Stop reading, wait for capacity, offer it again.</summary>
    Busy,

    /// <summary>Not taken for a quota or a rate; the device may try again after <see cref="IngestReceipt.RetryAfter"/>.</summary>
    Throttled,

    /// <summary>Not taken, and trying again as it is will not help.</summary>
    Rejected,
}
