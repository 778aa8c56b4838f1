using Insa.Iiot.Protocols.OpcUa.History.Aggregates;

namespace Insa.Iiot.Protocols.OpcUa.Tests.History;

/// <summary>
/// The rows of Data/aggregates.txt that contradict the text of Part 13 or other rows of the file; the text is what we follow. The
/// same list is in docs/opcua-history.md.
/// </summary>
internal static class ExampleDeviations
{
    private const string Bad = "Bad, Calculated";
    private const string Partial = "Good, Calculated, Partial";

    private static readonly Dictionary<(AggregateFunction Function, string DataSet, string Time), (string Value, string Status)> Rows =
        new()
        {
            // PercentDataBad is 50 and 60 % of the time is bad: Bad (§4.2.1.2), not uncertain.
            [(AggregateFunction.TimeAverage2, "3", "12:00:40.000")] = ("", Bad),
            [(AggregateFunction.TimeAverage2, "3", "12:00:45.000")] = ("", Bad),
            [(AggregateFunction.TimeAverage2, "3", "12:01:15.000")] = ("", Bad),
            [(AggregateFunction.TimeAverage2, "3", "12:01:20.000")] = ("", Bad),
            [(AggregateFunction.Total2, "3", "12:00:40.000")] = ("", Bad),
            [(AggregateFunction.Total2, "3", "12:00:45.000")] = ("", Bad),
            [(AggregateFunction.Total2, "3", "12:01:15.000")] = ("", Bad),
            [(AggregateFunction.Total2, "3", "12:01:20.000")] = ("", Bad),

            // The uncertain value of 12:01:17 is treated as bad until 12:01:23, as the rows before these and those of data set 2 have it.
            [(AggregateFunction.DurationBad, "3", "12:01:20.000")] = ("3000", Partial),
            [(AggregateFunction.DurationBad, "4", "12:01:20.000")] = ("3000", Partial),
            [(AggregateFunction.PercentBad, "3", "12:01:20.000")] = ("29.997", Partial),
            [(AggregateFunction.PercentBad, "4", "12:01:20.000")] = ("29.997", Partial),

            // One value alone is uncertain; a stepped interval has no bound at its end that could be a second (as at 12:00:32).
            [(AggregateFunction.WorstQuality2, "3", "12:01:04.000")] = ("Uncertain", "Good, Calculated"),
            [(AggregateFunction.WorstQuality2, "4", "12:01:04.000")] = ("Uncertain", "Good, Calculated"),
        };

    public static int Count => Rows.Count;

    /// <summary>What we answer in place of a row of a table.</summary>
    public static ExampleRow Corrected(ExampleTable table, ExampleRow row) =>
        Rows.TryGetValue((table.Function, table.DataSet, row.Time), out var ours)
            ? row with
            {
                Value = ours.Value,
                Status = ours.Status,
            }
            : row;
}
