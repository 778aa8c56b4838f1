namespace Insa.Iiot.Tenancy.Quotas;

/// <summary>Time that never goes back, in sixteenths of a nanosecond since it was made: 18 years fit.</summary>
internal sealed class GateClock
{
    public const long PerSecond = 16_000_000_000;
    public const long PerTick = PerSecond / TimeSpan.TicksPerSecond;

    private readonly TimeProvider _time;
    private readonly long _origin;
    private readonly long _frequency;
    private readonly long _scale;
    private readonly long _originTicks;

    public GateClock(TimeProvider time)
    {
        _time = time;
        _frequency = time.TimestampFrequency;
        _scale = PerSecond % _frequency == 0 ? PerSecond / _frequency : 0;
        _origin = time.GetTimestamp();
        _originTicks = time.GetUtcNow().UtcTicks;
    }

    public long Now
    {
        get
        {
            var elapsed = _time.GetTimestamp() - _origin;
            return _scale > 0 ? elapsed * _scale : (long)((Int128)elapsed * PerSecond / _frequency);
        }
    }

    public static long Of(TimeSpan duration) => duration.Ticks * PerTick;

    /// <summary>Rounded up: who waits that long does not come too early.</summary>
    public static TimeSpan ToTimeSpan(long units) => new((units + PerTick - 1) / PerTick);

    /// <summary>UTC of a moment; corrections of the wall clock since the start are not seen.</summary>
    public DateTime ToUtc(long moment) => new(_originTicks + (moment / PerTick), DateTimeKind.Utc);

    /// <summary>Counts hours of UTC.</summary>
    public long HourOf(long moment) => (_originTicks + (moment / PerTick)) / TimeSpan.TicksPerHour;
}
