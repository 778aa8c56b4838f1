using Insa.Iiot.Protocols.OpcUa.History;
using Insa.Iiot.Protocols.OpcUa.History.Aggregates;

namespace Insa.Iiot.Protocols.OpcUa.Tests.History;

/// <summary>One table of Data/aggregates.txt.</summary>
internal sealed record ExampleTable(
    AggregateFunction Function,
    string DataSet,
    TimeSpan Interval,
    AggregateOptions Options,
    IReadOnlyList<ExampleRow> Rows
);
