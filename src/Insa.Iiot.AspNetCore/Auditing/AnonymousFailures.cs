using Insa.Iiot.AspNetCore.RateLimiting;
using Insa.Iiot.Tenancy;
using Insa.Iiot.Tenancy.Quotas;
using Microsoft.AspNetCore.Http;

namespace Insa.Iiot.AspNetCore.Auditing;

/// <summary>How many failures of people who are not known are logged: whoever comes along must not fill the platform's log.</summary>
internal sealed class AnonymousFailures(TimeProvider time)
{
    private const int MostClients = 100_000;

    // An address that fails more often is told apart by these well enough; many addresses together have a bound of their own.
    private readonly GateTable<ClientAddress> _ofAddress = new(RateLimit.Parse("30:60"), MostClients);
    private readonly RateGate _ofAll = new(RateLimit.Parse("600:60"));
    private readonly GateClock _clock = new(time);

    /// <returns><see langword="false"/> if there were enough of them lately.</returns>
    public bool IsToBeLogged(HttpContext http)
    {
        var now = _clock.Now;
        var own = _ofAddress.Of(ClientAddress.Of(http.Connection.RemoteIpAddress), now);
        if (own.TryTake(1, now) != 0)
            return false;
        return _ofAll.TryTake(1, now) == 0;
    }
}
