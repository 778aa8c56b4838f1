namespace Insa.Iiot.Protocols.Amqp.Frames;

/// <summary>What encoder and decoder of <c>application/vnd.insa.iiot.frames</c> agree on: docs/amqp-frames.md.</summary>
internal static class FrameFormat
{
    public const string MediaType = "application/vnd.insa.iiot.frames";

    /// <summary>A frame before its kinds, qualities and values: time, device, layout and what follows.</summary>
    public const int FrameHeadBytes = 8 + 2 + 2 + 1;

    /// <summary>The most layouts, devices or frames that a message can count.</summary>
    public const int MaxCount = ushort.MaxValue;

    /// <summary>The kinds of the values follow; without it all are doubles.</summary>
    public const byte HasKinds = 1;

    /// <summary>The qualities of the values follow; without it all are good.</summary>
    public const byte HasQualities = 2;

    private static readonly long MinMicroseconds = -DateTime.UnixEpoch.Ticks / TimeSpan.TicksPerMicrosecond;
    private static readonly long MaxMicroseconds = (DateTime.MaxValue.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    /// <summary>Microseconds since 1970 of UTC ticks.</summary>
    public static long ToMicroseconds(long utcTicks) =>
        (utcTicks / TimeSpan.TicksPerMicrosecond) - (DateTime.UnixEpoch.Ticks / TimeSpan.TicksPerMicrosecond);

    /// <returns><see langword="false"/> if it is no time between the years 1 and 9999.</returns>
    public static bool TryToTicks(long microseconds, out long utcTicks)
    {
        utcTicks = 0;
        if (microseconds < MinMicroseconds || microseconds > MaxMicroseconds)
            return false;
        utcTicks = DateTime.UnixEpoch.Ticks + (microseconds * TimeSpan.TicksPerMicrosecond);
        return true;
    }
}
