namespace Insa.Iiot.Protocols.OpcUa.Subscriptions;

/// <summary>What a client may modify of a subscription, after it was revised.</summary>
internal readonly record struct SubscriptionSettings(
    int PublishingMs,
    uint LifetimeCount,
    uint MaxKeepAliveCount,
    int MaxNotificationsPerPublish,
    byte Priority
)
{
    /// <summary>Revises what a client asks for (Part 4 §5.14.2): nothing of it is an error.</summary>
    public static SubscriptionSettings Revise(
        double publishingInterval,
        uint lifetimeCount,
        uint maxKeepAliveCount,
        uint maxNotifications,
        byte priority,
        SubscriptionLimits limits
    )
    {
        var interval = (int)Clamp(publishingInterval, limits.MinPublishingInterval, limits.MaxPublishingInterval);
        var longestSilence = Math.Max(1, (uint)(limits.MaxKeepAlive.TotalMilliseconds / interval));
        var keepAlive = Math.Clamp(maxKeepAliveCount, 1, longestSilence);
        var longestLife = Math.Max(3 * keepAlive, (uint)(limits.MaxLifetime.TotalMilliseconds / interval));
        return new SubscriptionSettings(
            interval,
            Math.Clamp(lifetimeCount, 3 * keepAlive, longestLife),
            keepAlive,
            maxNotifications == 0
                ? limits.MaxNotificationsPerPublish
                : (int)Math.Min(maxNotifications, (uint)limits.MaxNotificationsPerPublish),
            priority
        );
    }

    /// <summary>An interval in ms within limits; what is no positive number is the shortest.</summary>
    public static double Clamp(double milliseconds, TimeSpan shortest, TimeSpan longest) =>
        milliseconds > shortest.TotalMilliseconds
            ? Math.Round(Math.Min(milliseconds, longest.TotalMilliseconds))
            : shortest.TotalMilliseconds;
}
