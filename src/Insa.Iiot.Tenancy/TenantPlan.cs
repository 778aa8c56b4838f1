namespace Insa.Iiot.Tenancy;

/// <summary>What a tenant gets for its money.</summary>
public sealed class TenantPlan
{
    /// <summary>
    /// The upper bound of each counter, such as <c>devices</c> and <c>users</c>, and of each amount of <see cref="TenantAmounts"/>; what is not
    /// named here has none.
    /// </summary>
    public IDictionary<string, long> Limits { get; } = new Dictionary<string, long>(StringComparer.Ordinal);

    /// <summary>How fast it may go: names as of <see cref="TenantRates"/>, rates as <see cref="RateLimit"/> writes them. What is not named here has no limit.</summary>
    public IDictionary<string, string> Rates { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The features that are on.</summary>
    public ISet<string> Features { get; } = new HashSet<string>(StringComparer.Ordinal);
}
