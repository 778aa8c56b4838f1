using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.History;

/// <summary>What a HistoryRead wants of each of its nodes.</summary>
internal interface IHistoryDetails
{
    /// <summary>The question, which a continuation point must fit.</summary>
    HistoryQuestion Question(uint aggregate);

    /// <summary>Whether a node can be answered at all.</summary>
    StatusCode Check(uint aggregate);

    /// <summary>Reads a node.</summary>
    /// <param name="series">The node's series, open.</param>
    /// <param name="aggregate">The node's aggregate.</param>
    /// <param name="position">Where to go on; <see langword="null"/> at the start.</param>
    /// <param name="limit">The most values of the answer.</param>
    /// <param name="maxBytes">How many bytes of values from which on to go on another time.</param>
    /// <param name="data">Where the values go.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>Where to go on; <see langword="null"/> if all is read.</returns>
    ValueTask<HistoryPosition?> ReadAsync(
        SeriesReader series,
        uint aggregate,
        HistoryPosition? position,
        int limit,
        int maxBytes,
        HistoryDataWriter data,
        CancellationToken cancellationToken
    );
}
