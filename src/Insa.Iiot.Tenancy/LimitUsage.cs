namespace Insa.Iiot.Tenancy;

/// <summary>How one limit of a tenant stands.</summary>
public sealed record LimitUsage
{
    /// <summary>What kind of limit it is.</summary>
    public required LimitKind Kind { get; init; }

    /// <summary>Its name, such as <c>devices</c>, <c>messages</c> or <c>points-per-month</c>.</summary>
    public required string Name { get; init; }

    /// <summary>How much there may be; <see langword="null"/> for no limit.</summary>
    public long? Limit { get; init; }

    /// <summary>
    /// How much there is. Of an amount it includes what other hosts have leased and not spent; of a rate it is what this host has let in.
    /// </summary>
    public required long Used { get; init; }

    /// <summary>How much more there may be, never less than 0; <see langword="null"/> for no limit.</summary>
    public long? Remaining => Limit is { } limit ? Math.Max(limit - Used, 0) : null;

    /// <summary>The period: a month such as <c>2026-11</c> for an amount, a window such as <c>60s</c> for a rate, else <see langword="null"/>.</summary>
    public string? Period { get; init; }

    /// <summary>When all of it is there again, UTC; <see langword="null"/> for a count.</summary>
    public DateTime? ResetsAt { get; init; }

    /// <summary>When this host last refused a message for it, UTC; <see langword="null"/> for a count, or if it did not.</summary>
    public DateTime? LastRefusedAt { get; init; }

    /// <summary>How many messages this host has refused for it in this hour.</summary>
    public long RefusedInHour { get; init; }
}
