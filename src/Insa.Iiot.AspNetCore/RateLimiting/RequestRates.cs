using System.Globalization;
using Insa.Iiot.AspNetCore.Authentication;
using Insa.Iiot.AspNetCore.Problems;
using Insa.Iiot.Tenancy;
using Insa.Iiot.Tenancy.Quotas;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.AspNetCore.RateLimiting;

/// <summary>
/// How many requests a caller and all of a tenant may make, and header fields that say so (draft-ietf-httpapi-ratelimit-headers-11). Per host. The
/// fields tell of the caller's own windows alone: how busy its tenant is, is nothing for each of its programs to know.
/// </summary>
internal sealed class RequestRates
{
    private const int MostCallers = 100_000;
    private const int MostTenants = 20_000;

    private readonly GateTable<string> _callers;
    private readonly GateTable<TenantId> _tenants;
    private readonly GateClock _clock;
    private readonly string _policy;
    private readonly string[] _names;

    public RequestRates(IOptions<RestApiOptions> options, TimeProvider time)
    {
        var own = RateLimit.Parse(options.Value.CallerRate);
        _callers = new GateTable<string>(own, MostCallers);
        _tenants = new GateTable<TenantId>(RateLimit.Parse(options.Value.TenantRate), MostTenants);
        _clock = new GateClock(time);
        _names = [.. own.Windows.Select(window => string.Create(CultureInfo.InvariantCulture, $"\"{window.Seconds}s\""))];
        _policy = string.Join(
            ", ",
            own.Windows.Select(
                (window, i) => string.Create(CultureInfo.InvariantCulture, $"{_names[i]};q={window.Units};w={window.Seconds}")
            )
        );
    }

    /// <returns>The refusal; <see langword="null"/> if the request may come in.</returns>
    public Problem? Take(HttpContext http, CallerPrincipal principal)
    {
        var caller = principal.Caller;
        var now = _clock.Now;
        var own = _callers.Of(caller.Id, now);
        var wait = own.TryTake(1, now);

        // Who has left a tenant must not use up what its people may ask.
        if (wait == 0 && principal.Grant.BelongsToTenant)
        {
            wait = _tenants.Of(caller.Tenant, now).TryTake(1, now);
            if (wait != 0)
                own.GiveBack(1);
        }

        Tell(http.Response.Headers, own, now);
        return wait == 0 ? null : new Problem(ProblemKind.QuotaExceeded, "Too many requests.") { RetryAfter = GateClock.ToTimeSpan(wait) };
    }

    private void Tell(IHeaderDictionary headers, RateGate gate, long now)
    {
        headers["RateLimit-Policy"] = _policy;
        var fields = new string[_names.Length];
        for (var i = 0; i < fields.Length; i++)
        {
            var standing = gate.Read(i, now);
            fields[i] = string.Create(
                CultureInfo.InvariantCulture,
                $"{_names[i]};r={standing.Remaining};t={Math.Ceiling(standing.Reset.TotalSeconds):0}"
            );
        }

        headers["RateLimit"] = string.Join(", ", fields);
    }
}
