using System.Globalization;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.History.Aggregates;

namespace Insa.Iiot.Protocols.OpcUa.Tests.History;

/// <summary>All aggregates against the tables behind the examples of Part 13.</summary>
public sealed class AggregateExampleTests
{
    public static TheoryData<string, string> Tables()
    {
        var data = new TheoryData<string, string>();
        foreach (var table in AggregateExamples.Tables)
            data.Add(table.Function.ToString(), table.DataSet);
        return data;
    }

    [Fact]
    public void There_are_tables_for_all_37_aggregates() =>
        Assert.Equal(Enum.GetValues<AggregateFunction>(), AggregateExamples.Tables.Select(t => t.Function).Distinct().Order());

    [Fact]
    public void All_but_14_rows_are_met_as_they_stand()
    {
        var differing = AggregateExamples.Tables.Sum(t => t.Rows.Count(row => ExampleDeviations.Corrected(t, row) != row));
        Assert.Equal((14, 14), (differing, ExampleDeviations.Count));
    }

    [Theory]
    [MemberData(nameof(Tables))]
    public void Every_example_table_is_met(string function, string dataSet)
    {
        var table = AggregateExamples.Tables.Single(t => t.Function.ToString() == function && t.DataSet == dataSet);
        Assert.Equal(Expected(table), Results(table));
    }

    private static IEnumerable<string> Expected(ExampleTable table) =>
        table
            .Rows.Select(row => ExampleDeviations.Corrected(table, row))
            .Select(row => new ExampleRow(row.Time, Rounded(row.Value), Normalized(row.Status)).ToString());

    private static IEnumerable<string> Results(ExampleTable table)
    {
        var start = AggregateExamples.Noon.Ticks;
        var intervals = ProcessingIntervals.Of(start, start + (table.Rows.Count * table.Interval.Ticks), table.Interval.Ticks);
        var calculator = AggregateCalculator.Of(table.Function, table.Options, intervals);
        foreach (var sample in AggregateExamples.RawData(table.DataSet))
            calculator.Add(sample);
        calculator.Complete();
        return calculator
            .Results.ToArray()
            .Select(
                (result, i) =>
                    new ExampleRow(
                        new DateTime(result.Ticks, DateTimeKind.Utc).ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture),
                        Text(result, Decimals(ExampleDeviations.Corrected(table, table.Rows[i]).Value)),
                        Text(result.Status)
                    ).ToString()
            );
    }

    private static string Text(in AggregateResult result, int decimals) =>
        result.Type switch
        {
            AggregateValueType.None => "",
            AggregateValueType.StatusCode => Name(new StatusCode((uint)result.Number)),
            _ => Rounded(Math.Round(result.Number, decimals, MidpointRounding.AwayFromZero).ToString("F4", CultureInfo.InvariantCulture)),
        };

    // The tables write 12.500, 12.5000 and 12 alike.
    private static string Rounded(string value) => value.Contains('.', StringComparison.Ordinal) ? value.TrimEnd('0').TrimEnd('.') : value;

    private static int Decimals(string value) =>
        value.IndexOf('.', StringComparison.Ordinal) is >= 0 and var dot ? value.Length - dot - 1 : 4;

    // They list the bits in no fixed order.
    private static string Normalized(string status) => string.Join(", ", status.Split(", ").Order(StringComparer.Ordinal));

    private static string Text(StatusCode status)
    {
        var bits = status.Value & 0x1F;
        var parts = new List<string> { Name(status) };
        if ((bits & (uint)HistorianBits.Calculated) != 0)
            parts.Add("Calculated");
        if ((bits & (uint)HistorianBits.Interpolated) != 0)
            parts.Add("Interpolated");
        if ((bits & (uint)HistorianBits.Partial) != 0)
            parts.Add("Partial");
        if ((bits & (uint)HistorianBits.MultipleValues) != 0)
            parts.Add("MultipleValues");
        Assert.Equal(bits != 0, (status.Value & 0x400) != 0);
        return Normalized(string.Join(", ", parts));
    }

    private static string Name(StatusCode status) =>
        (status.Value >> 16) switch
        {
            0x0000 => "Good",
            0x4000 => "Uncertain",
            0x40A4 => "UncertainDataSubNormal",
            0x8000 => "Bad",
            0x809B => "BadNoData",
            _ => status.Value.ToString("X8", CultureInfo.InvariantCulture),
        };
}
