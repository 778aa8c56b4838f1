namespace Insa.Iiot.Storage.Postgres.Retention;

/// <summary>Where a tier is kept.</summary>
/// <param name="Tier">The tier.</param>
/// <param name="Name">Its name in policies.</param>
/// <param name="Table">The table.</param>
/// <param name="Starts">A row's first instant, as SQL.</param>
/// <param name="Ends">The first instant after a row, as SQL.</param>
internal sealed record TierTable(RetentionTier Tier, string Name, string Table, string Starts, string Ends)
{
    public static readonly TierTable[] All =
    [
        new(
            RetentionTier.Raw,
            "raw",
            "iiot_data.telemetry_chunk",
            "c.t0",
            "greatest(c.t0 + (select partition_width from iiot_data.telemetry_state), c.t1 + interval '1 microsecond')"
        ),
        new(RetentionTier.Minute, "minute", "iiot_data.rollup_minute", "c.hour", "c.hour + interval '1 hour'"),
        new(RetentionTier.Hour, "hour", "iiot_data.rollup_hour", "c.bucket", "c.bucket + interval '1 hour'"),
        new(RetentionTier.Day, "day", "iiot_data.rollup_day", "c.bucket", "c.bucket + interval '1 day'"),
    ];
}
