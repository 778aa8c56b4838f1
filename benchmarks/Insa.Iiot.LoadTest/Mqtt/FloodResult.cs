namespace Insa.Iiot.LoadTest.Mqtt;

/// <summary>A quiet tenant's latency alone and beside a flood, and what became of all messages.</summary>
internal sealed record FloodResult(
    double IdleP50Milliseconds,
    double IdleP99Milliseconds,
    double FloodedP50Milliseconds,
    double FloodedP99Milliseconds,
    long QuietMessages,
    double FloodPerSecond,
    double FloodP50Milliseconds,
    long Acknowledged,
    long? Stored,
    long Errors
);
