namespace Insa.Iiot.Storage.Postgres.Rollups;

/// <summary>The classes in which rollups are kept: 0 good, 1 uncertain, 2 bad.</summary>
internal static class RollupQuality
{
    public const int Classes = 3;

    /// <summary>Classes from this one on do not count in buckets.</summary>
    public const int Bad = 2;

    public static int ClassOf(TelemetryQuality quality) =>
        (quality & TelemetryQuality.Bad) == TelemetryQuality.Bad ? Bad : (int)(quality & TelemetryQuality.Uncertain);

    /// <summary>Whether a value is a number, or counts as one.</summary>
    public static bool Counts(TelemetryValueKind kind) => kind is not (TelemetryValueKind.Text or TelemetryValueKind.Json);
}
