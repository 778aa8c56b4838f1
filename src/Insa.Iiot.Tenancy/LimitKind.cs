namespace Insa.Iiot.Tenancy;

/// <summary>What kind of limit it is.</summary>
public enum LimitKind
{
    /// <summary>How many there may be at a time, such as devices.</summary>
    Count,

    /// <summary>How many may come in some seconds: a window of a <see cref="RateLimit"/>.</summary>
    Rate,

    /// <summary>How much may be used in a period: see <see cref="TenantAmounts"/>.</summary>
    Amount,
}
