using Insa.Iiot.AspNetCore.Problems;
using Insa.Iiot.Tenancy;
using Insa.Iiot.Tenancy.Quotas;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.AspNetCore.RateLimiting;

/// <summary>How often a tenant invites: each time a mail goes to an address of its choice. Per host.</summary>
internal sealed class InvitationRates(IOptions<RestApiOptions> options, TimeProvider time)
{
    private const int MostTenants = 20_000;

    private readonly GateTable<TenantId> _tenants = new(RateLimit.Parse(options.Value.InvitationRate), MostTenants);
    private readonly GateClock _clock = new(time);

    /// <returns>The refusal; <see langword="null"/> if the tenant may invite.</returns>
    public Problem? Take(TenantId tenant)
    {
        var now = _clock.Now;
        var wait = _tenants.Of(tenant, now).TryTake(1, now);
        return wait == 0
            ? null
            : new Problem(ProblemKind.QuotaExceeded, "Too many invitations.") { RetryAfter = GateClock.ToTimeSpan(wait) };
    }
}
