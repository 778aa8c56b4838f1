namespace Insa.Iiot.Protocols.OpcUa.History.Aggregates;

/// <summary>One interval that gets one result.</summary>
/// <param name="Low">The earlier end, in ticks.</param>
/// <param name="High">The later end.</param>
/// <param name="Timestamp">Where the interval starts in the order asked for: <paramref name="Low"/>, or <paramref name="High"/> if time runs backwards.</param>
/// <param name="IsCut">Whether it is shorter than the others, because the range ends in it.</param>
internal readonly record struct ProcessingInterval(long Low, long High, long Timestamp, bool IsCut);
