namespace Insa.Iiot.Storage.Postgres.Rollups;

/// <summary>Takes the points of device hours.</summary>
internal interface IPointVisitor
{
    /// <summary>The points that follow are of this hour.</summary>
    void Begin(in DeviceHour hour);

    /// <summary>Not all points of a metric can be read: what the hour was rolled up to before must stay.</summary>
    void Skip(int metricNo);

    /// <summary>One point, not before the last one of its metric. Of several for one metric and time the one that arrived last counts.</summary>
    void Add(int metricNo, long time, long arrived, TelemetryValueKind kind, long bits, TelemetryQuality quality);
}
