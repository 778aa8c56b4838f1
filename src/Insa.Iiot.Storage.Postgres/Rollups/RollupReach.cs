namespace Insa.Iiot.Storage.Postgres.Rollups;

/// <summary>How far rollups and compaction have come, and what retention has left, in microseconds since 2000.</summary>
/// <param name="ClosedBefore">Hours before it are closed.</param>
/// <param name="HotFrom">No partition of frames that ends after it is compacted.</param>
/// <param name="RolledFrom">No rollup is older.</param>
/// <param name="HoursFrom">Of some wanted metric, hours before it have been deleted.</param>
/// <param name="DaysFrom">Of some wanted metric, days before it have been deleted.</param>
internal readonly record struct RollupReach(long ClosedBefore, long HotFrom, long RolledFrom, long HoursFrom, long DaysFrom)
{
    /// <summary>Nothing is rolled up, and nothing compacted.</summary>
    public static RollupReach None { get; } = new(long.MinValue, long.MinValue, long.MaxValue, long.MinValue, long.MinValue);
}
