namespace Insa.Iiot.Protocols.OpcUa.History;

/// <summary>What one history request may ask for and cost.</summary>
internal sealed record HistoryLimits
{
    public static HistoryLimits Default { get; } = new();

    /// <summary>Nodes in one HistoryRead.</summary>
    public int MaxNodesPerRead { get; init; } = 100;

    /// <summary>Values of one node in one answer: MaxReturnDataValues. More come by continuation points.</summary>
    public int MaxValuesPerNode { get; init; } = 10_000;

    /// <summary>Values of all nodes together in one answer.</summary>
    public int MaxValuesPerRead { get; init; } = 100_000;

    /// <summary>Bytes of one node's values from which on an answer goes on by continuation point.</summary>
    public int MaxBytesPerNode { get; init; } = 1 << 20;

    /// <summary>Instants of one ReadAtTime, all nodes together.</summary>
    public int MaxTimesPerRead { get; init; } = 1_000;

    /// <summary>Values in one HistoryUpdate.</summary>
    public int MaxValuesPerUpdate { get; init; } = 1_000;

    /// <summary>Continuation points of one session; the oldest makes room for a new one.</summary>
    public int MaxContinuationPoints { get; init; } = 100;

    /// <summary>How far before, and behind, its range a request looks for the values that bound it.</summary>
    public TimeSpan MaxBoundDistance { get; init; } = TimeSpan.FromDays(31);

    /// <summary>How many values behind its range a request looks at for one that is not bad.</summary>
    public int MaxLookAhead { get; init; } = 10_000;

    /// <summary>How long a request may take, if its client does not say less.</summary>
    public TimeSpan MaxDuration { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Requests that read at the same time; further ones wait.</summary>
    public int MaxConcurrentRequests { get; init; } = 4;
}
