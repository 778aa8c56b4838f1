namespace Insa.Iiot.Storage.Postgres.Retention;

/// <summary>Where a tier is kept.</summary>
/// <param name="Tier">The tier.</param>
/// <param name="Name">Its name in policies, and in the columns of <c>tier_whole</c>.</param>
/// <param name="Table">The table.</param>
/// <param name="Starts">A row's first instant, as SQL.</param>
/// <param name="Ends">The first instant after a row, as SQL.</param>
/// <param name="IsUsed">Whether what is made of a row is made, as SQL.</param>
internal sealed record TierTable(RetentionTier Tier, string Name, string Table, string Starts, string Ends, string IsUsed = "true")
{
    private const string Frames = "iiot_data.telemetry_frame";
    private const string ChunkEnds =
        "greatest(c.t0 + (select partition_width from iiot_data.telemetry_state), c.t1 + interval '1 microsecond')";

    private const string DayIsMade = """
        not exists (select from iiot_data.rollup_pending_day p
          where p.tenant_no = c.tenant_no and p.device_no = c.device_no and p.day = date_trunc('day', c.bucket))
        """;

    public static readonly TierTable[] All =
    [
        new(
            RetentionTier.Raw,
            "raw",
            "iiot_data.telemetry_chunk",
            "c.t0",
            ChunkEnds,
            $"iiot_data.is_rolled_up(c.tenant_no, c.device_no, c.t0, {ChunkEnds})"
        ),
        new(RetentionTier.Minute, "minute", "iiot_data.rollup_minute", "c.hour", "c.hour + interval '1 hour'"),
        new(RetentionTier.Hour, "hour", "iiot_data.rollup_hour", "c.bucket", "c.bucket + interval '1 hour'", DayIsMade),
        new(RetentionTier.Day, "day", "iiot_data.rollup_day", "c.bucket", "c.bucket + interval '1 day'"),
    ];

    public static TierTable Of(RetentionTier tier) => All[(int)tier];

    /// <summary>The points that are not in chunks yet.</summary>
    public static TierTable OfFrames { get; } = Of(RetentionTier.Raw) with { Table = Frames };

    public TimeSpan? DefaultKeep(PostgresStorageOptions options) =>
        Tier switch
        {
            RetentionTier.Raw => options.RawRetention,
            RetentionTier.Minute => options.MinuteRetention,
            RetentionTier.Hour => options.HourRetention,
            _ => options.DayRetention,
        };
}
