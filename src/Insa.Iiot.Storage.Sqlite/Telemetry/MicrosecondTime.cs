namespace Insa.Iiot.Storage.Sqlite.Telemetry;

/// <summary>Converts between ticks of 100 ns since year 1 and microseconds since the Unix epoch, as stored.</summary>
internal static class MicrosecondTime
{
    public const long PerHour = 3_600_000_000;

    public static long FromTicks(long utcTicks) => FloorDivide(utcTicks - DateTime.UnixEpoch.Ticks, TimeSpan.TicksPerMicrosecond);

    public static long Of(TimeSpan span) => span.Ticks / TimeSpan.TicksPerMicrosecond;

    /// <summary>The first whole microsecond that is not before an instant: what a range from or up to it begins or ends with.</summary>
    public static long Ceiling(DateTime utc) => -FloorDivide(-(utc.Ticks - DateTime.UnixEpoch.Ticks), TimeSpan.TicksPerMicrosecond);

    public static DateTime ToDateTime(long microseconds) =>
        new(DateTime.UnixEpoch.Ticks + (microseconds * TimeSpan.TicksPerMicrosecond), DateTimeKind.Utc);

    public static long FloorDivide(long value, long divisor)
    {
        var quotient = value / divisor;
        return value % divisor < 0 ? quotient - 1 : quotient;
    }
}
