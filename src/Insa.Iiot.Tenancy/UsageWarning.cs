namespace Insa.Iiot.Tenancy;

/// <summary>A limit of a tenant has come to four fifths.</summary>
/// <param name="Tenant">The tenant.</param>
/// <param name="Kind"><see cref="LimitKind.Count"/> or <see cref="LimitKind.Amount"/>.</param>
/// <param name="Name">The limit.</param>
/// <param name="Period">The month in which it is said, once, such as <c>2026-11</c>.</param>
/// <param name="Limit">How much there may be.</param>
/// <param name="Used">How much there was; of an amount with what hosts have leased and not spent.</param>
/// <param name="At">When, UTC.</param>
public sealed record UsageWarning(TenantId Tenant, LimitKind Kind, string Name, string Period, long Limit, long Used, DateTime At);
