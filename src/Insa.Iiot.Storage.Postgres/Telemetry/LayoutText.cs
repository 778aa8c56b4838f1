namespace Insa.Iiot.Storage.Postgres.Telemetry;

/// <summary>A layout as one text: the names with a line feed between, which no name can hold.</summary>
internal static class LayoutText
{
    public static string Join(TelemetryLayout layout) => string.Join('\n', layout.Metrics);
}
