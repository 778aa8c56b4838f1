namespace Insa.Iiot.Storage.Postgres.Telemetry;

/// <summary>Converts between ticks of 100 ns since year 1 and what PostgreSQL stores: microseconds since 2000-01-01 UTC.</summary>
internal static class PostgresTime
{
    public const long PerHour = 3_600_000_000;
    public const long PerDay = 24 * PerHour;

    private static readonly long EpochTicks = new DateTime(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc).Ticks;

    public static long FromTicks(long utcTicks) => FloorDivide(utcTicks - EpochTicks, TimeSpan.TicksPerMicrosecond);

    /// <summary>The first whole microsecond that is not before an instant: what a range from or up to it begins or ends with.</summary>
    public static long Ceiling(DateTime utc) => -FloorDivide(-(utc.Ticks - EpochTicks), TimeSpan.TicksPerMicrosecond);

    public static DateTime ToDateTime(long microseconds) =>
        new(EpochTicks + (microseconds * TimeSpan.TicksPerMicrosecond), DateTimeKind.Utc);

    public static long FloorDivide(long value, long divisor)
    {
        var quotient = value / divisor;
        return value % divisor < 0 ? quotient - 1 : quotient;
    }
}
