namespace Insa.Iiot.Storage.Sqlite.Telemetry;

/// <summary>A layout as one text: the names with a line feed between, which no name can hold.</summary>
internal static class LayoutText
{
    private const char Separator = '\n';

    public static string Join(TelemetryLayout layout) => string.Join(Separator, layout.Metrics);

    public static string[] Split(string text) => text.Split(Separator);
}
