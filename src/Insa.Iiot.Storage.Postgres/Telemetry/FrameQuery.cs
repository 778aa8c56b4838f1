namespace Insa.Iiot.Storage.Postgres.Telemetry;

/// <summary>The statements that read frames in the order of the index. Their columns are those of <see cref="FrameRows"/>.</summary>
internal static class FrameQuery
{
    private const string Columns = "stream_no, ts, arrived_at, vals, extra";
    private const string Within = $"where tenant_no = {TenantBatch.Number} and ts >= $2 and ts < $3 and stream_no =";

    /// <summary>Of a stream $1 from $2 until $3 the $4 oldest, by time.</summary>
    public const string OfStream = $"select {Columns} from iiot.telemetry_frame_by_time {Within} $1 order by ts limit $4";

    /// <summary>The same of each of some streams, all by time.</summary>
    public const string OfStreams = $"""
        select f.* from unnest($1) s (no) cross join lateral (
          select {Columns} from iiot.telemetry_frame_by_time {Within} s.no order by ts limit $4) f order by f.ts
        """;

    /// <summary>Of each stream of $1 the newest, none from before $2.</summary>
    public const string Newest = $"""
        select f.* from unnest($1) s (no) cross join lateral (
          select {Columns} from iiot.telemetry_frame_newest
          where tenant_no = {TenantBatch.Number} and stream_no = s.no and ts >= $2 order by ts desc limit 1) f
        """;

    /// <summary>Asks for the oldest frames of each of some streams within a range, all by time.</summary>
    /// <param name="batch">Where the statement goes.</param>
    /// <param name="streamNos">The streams.</param>
    /// <param name="first">The first microsecond since 2000 that is wanted.</param>
    /// <param name="end">The first one that is not.</param>
    /// <param name="most">How many frames of each stream at most.</param>
    public static void AddRange(TenantBatch batch, int[] streamNos, long first, long end, int most)
    {
        var isOne = streamNos.Length == 1;
        batch.PreferIndexOrder();
        batch.Add(
            isOne ? OfStream : OfStreams,
            isOne ? Parameter.Number(streamNos[0]) : Parameter.Numbers(streamNos),
            Parameter.Time(first),
            Parameter.Time(end),
            Parameter.Number(most)
        );
    }

    /// <summary>Asks for the newest frame of each of some streams, none from before a time.</summary>
    public static void AddNewest(TenantBatch batch, int[] streamNos, long first)
    {
        batch.PreferIndexOrder();
        batch.Add(Newest, Parameter.Numbers(streamNos), Parameter.Time(first));
    }
}
