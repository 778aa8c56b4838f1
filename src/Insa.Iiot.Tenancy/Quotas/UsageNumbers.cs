namespace Insa.Iiot.Tenancy.Quotas;

/// <summary>Sums of usage.</summary>
internal readonly record struct UsageNumbers(
    long Messages,
    long Points,
    long Bytes,
    long RefusedInactive,
    long RefusedQuota,
    long RefusedRate
)
{
    public bool IsEmpty => this == default;

    public static UsageNumbers operator +(UsageNumbers one, UsageNumbers other) =>
        new(
            one.Messages + other.Messages,
            one.Points + other.Points,
            one.Bytes + other.Bytes,
            one.RefusedInactive + other.RefusedInactive,
            one.RefusedQuota + other.RefusedQuota,
            one.RefusedRate + other.RefusedRate
        );
}
