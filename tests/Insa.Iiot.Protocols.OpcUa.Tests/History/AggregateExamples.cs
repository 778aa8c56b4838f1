using System.Globalization;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.History;
using Insa.Iiot.Protocols.OpcUa.History.Aggregates;

namespace Insa.Iiot.Protocols.OpcUa.Tests.History;

/// <summary>The raw data and the tables of Data/aggregates.txt.</summary>
internal static class AggregateExamples
{
    /// <summary>The day the examples are taken to lie on.</summary>
    public static readonly DateTime Noon = new(2026, 1, 1, 12, 0, 0, DateTimeKind.Utc);

    private static readonly (Dictionary<string, List<HistorySample>> Raw, List<ExampleTable> Tables) File = Load();

    public static IReadOnlyList<ExampleTable> Tables => File.Tables;

    public static IReadOnlyList<HistorySample> RawData(string dataSet) => File.Raw[dataSet];

    private static (Dictionary<string, List<HistorySample>>, List<ExampleTable>) Load()
    {
        var raw = new Dictionary<string, List<HistorySample>>(StringComparer.Ordinal);
        var tables = new List<ExampleTable>();
        List<HistorySample> samples = [];
        List<ExampleRow>? rows = null;
        foreach (var line in System.IO.File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Data", "aggregates.txt")))
        {
            var fields = line.Split(';');
            switch (fields[0])
            {
                case "raw":
                    samples = [];
                    raw.Add(fields[1], samples);
                    break;
                case "table":
                    rows = [];
                    tables.Add(Table(fields, rows));
                    break;
                default:
                    if (rows is null)
                        samples.Add(Sample(fields[0], fields[1], fields[2]));
                    else
                        rows.Add(new(fields[0], fields[1], fields[2]));
                    break;
            }
        }

        return (raw, tables);
    }

    private static ExampleTable Table(string[] fields, List<ExampleRow> rows) =>
        new(
            Enum.Parse<AggregateFunction>(fields[1]),
            fields[2],
            TimeSpan.FromMilliseconds(int.Parse(fields[3], CultureInfo.InvariantCulture)),
            new AggregateOptions(
                bool.Parse(fields[4]),
                bool.Parse(fields[5]),
                byte.Parse(fields[6], CultureInfo.InvariantCulture),
                byte.Parse(fields[7], CultureInfo.InvariantCulture),
                bool.Parse(fields[8])
            ),
            rows
        );

    private static HistorySample Sample(string time, string value, string status)
    {
        var ticks = (Noon.Date + TimeSpan.Parse(time, CultureInfo.InvariantCulture)).Ticks;
        var code = status switch
        {
            "Good" => StatusCodes.Good,
            "Uncertain" => StatusCodes.Uncertain,
            _ => StatusCodes.Bad,
        };
        if (bool.TryParse(value, out var truth))
            return new(ticks, truth ? 1 : 0, code, TelemetryValue.Of(truth));
        var number = code.IsBad ? 0 : double.Parse(value, CultureInfo.InvariantCulture);
        return new(ticks, number, code, TelemetryValue.Of(number));
    }
}
