namespace Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

/// <summary>
/// Times as they travel: 100 ns ticks since 1601-01-01 UTC, 0 for "none or before", <see cref="long.MaxValue"/> from
/// 9999-12-31T23:59:59 on (Part 6 §5.2.2.5). What lies outside is clamped; nothing here throws.
/// </summary>
internal static class UaDateTime
{
    /// <summary>1601-01-01 in ticks of <see cref="DateTime"/>.</summary>
    public const long EpochTicks = 504_911_232_000_000_000;

    /// <summary>9999-12-31T23:59:59: from here on, a time is "for ever".</summary>
    public const long LastTicks = 2_650_467_743_990_000_000;

    public const long TicksPerMillisecond = TimeSpan.TicksPerMillisecond;

    public static long Clamp(long uaTicks) =>
        uaTicks <= 0 ? 0
        : uaTicks >= LastTicks ? long.MaxValue
        : uaTicks;

    /// <param name="ticks">UTC ticks of <see cref="DateTime"/>, since year 1.</param>
    public static long FromTicks(long ticks) => ticks <= EpochTicks ? 0 : Clamp(ticks - EpochTicks);

    /// <returns>UTC ticks of <see cref="DateTime"/>: 0 for 0, those of <see cref="DateTime.MaxValue"/> for "for ever".</returns>
    public static long ToTicks(long uaTicks) =>
        uaTicks <= 0 ? 0
        : uaTicks >= LastTicks ? DateTime.MaxValue.Ticks
        : uaTicks + EpochTicks;

    public static long From(DateTimeOffset time) => FromTicks(time.UtcTicks);

    public static DateTime ToDateTime(long uaTicks) => new(ToTicks(uaTicks), DateTimeKind.Utc);

    /// <summary>Now, as it travels.</summary>
    public static long GetUaTicks(this TimeProvider time) => From(time.GetUtcNow());
}
