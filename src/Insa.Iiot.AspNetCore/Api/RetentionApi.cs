using System.Buffers.Text;
using System.Text;
using Insa.Iiot.AspNetCore.Auditing;
using Insa.Iiot.AspNetCore.Http;
using Insa.Iiot.AspNetCore.Problems;
using Insa.Iiot.Tenancy;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using static Insa.Iiot.AspNetCore.Api.RetentionContracts;

namespace Insa.Iiot.AspNetCore.Api;

/// <summary>For how long the tenant keeps its telemetry. A store need not have an <see cref="IRetentionPolicyStore"/>.</summary>
internal static class RetentionApi
{
    private const int LongestMetric = 256;
    private static readonly TimeSpan Shortest = TimeSpan.FromHours(1);

    public static void Map(RouteGroupBuilder api)
    {
        var policies = api.MapGroup("/tenant/retention-policies")
            .WithTags("Retention")
            .WithMetadata(new ProblemTrait(ProblemKind.NotAvailable, "The host's store has no retention policies."));
        policies
            .MapGet("", ListAsync)
            .RequirePermission(Permissions.SettingsRead)
            .WithName("listRetentionPolicies")
            .WithSummary("For how long telemetry is kept");
        policies
            .MapGet("/{policyId}", GetAsync)
            .RequirePermission(Permissions.SettingsRead)
            .WithName("getRetentionPolicy")
            .WithSummary("A retention policy");
        policies
            .MapPost("", CreateAsync)
            .RequirePermission(Permissions.SettingsAdmin)
            .WithMetadata(
                new ProblemTrait(
                    ProblemKind.NotKept,
                    "The store does not keep this tier, or no metrics apart; or the idempotency key was used."
                )
            )
            .TakesIdempotencyKey()
            .Audits("retention.create")
            .WithName("createRetentionPolicy")
            .WithSummary("Delete telemetry, now and from now on, once it is older than it is kept");
        policies
            .MapPut("/{policyId}", UpdateAsync)
            .RequirePermission(Permissions.SettingsAdmin)
            .Audits("retention.update")
            .TakesVersion()
            .WithName("updateRetentionPolicy")
            .WithSummary("Keep telemetry for another time");
        policies
            .MapDelete("/{policyId}", DeleteAsync)
            .RequirePermission(Permissions.SettingsAdmin)
            .Audits("retention.delete")
            .TakesVersion()
            .WithName("deleteRetentionPolicy")
            .WithSummary("Keep telemetry as the host does by default");
    }

    private static async Task<Results<Ok<RetentionPolicyList>, Problem>> ListAsync(
        Caller caller,
        [FromServices] IRetentionPolicyStore? store,
        HttpContext http
    )
    {
        if (store is null)
            return NotAvailable();
        var policies = await store.ListAsync(caller.Tenant, http.RequestAborted).ConfigureAwait(false);
        return TypedResults.Ok(
            new RetentionPolicyList([.. store.Tiers.Select(Names.Of)], store.IsByMetric, [.. policies.Select(ToAnswer)])
        );
    }

    private static async Task<Results<Ok<RetentionContracts.RetentionPolicy>, StatusCodeHttpResult, Problem>> GetAsync(
        string policyId,
        Caller caller,
        [FromServices] IRetentionPolicyStore? store,
        HttpContext http
    )
    {
        if (store is null)
            return NotAvailable();
        return await FindAsync(policyId, caller, store, http).ConfigureAwait(false) is { } policy
            ? Versions.Answer(http, VersionOf(policy), ToAnswer(policy))
            : Problem.NotFound();
    }

    private static async Task<Results<Created<RetentionContracts.RetentionPolicy>, Problem>> CreateAsync(
        Body<NewRetentionPolicy> body,
        Caller caller,
        [FromServices] IRetentionPolicyStore? store,
        HttpContext http
    )
    {
        if (store is null)
            return NotAvailable();
        var (tierName, keepText, metric) = body.Value;
        if (Enum.GetValues<RetentionTier>().Where(known => Names.Of(known) == tierName).ToArray() is not [var tier])
            return Problem.Invalid("A tier is raw, minute, hour or day.", "/tier");
        if (metric.Length is 0 or > LongestMetric || metric.Any(char.IsControl))
            return Problem.Invalid($"A metric has 1 to {LongestMetric} characters, and no control characters.", "/metric");
        if (ReadKeep(keepText, out var keep) is { } problem)
            return problem;
        if (!store.Tiers.Contains(tier))
            return new Problem(ProblemKind.NotKept, $"It keeps {string.Join(", ", store.Tiers.Select(Names.Of))}.") { Field = "/tier" };
        if (!store.IsByMetric && metric != Insa.Iiot.RetentionPolicy.AllMetrics)
            return new Problem(ProblemKind.NotKept, "It keeps all metrics for one time: the metric must be *.") { Field = "/metric" };

        var policy = new Insa.Iiot.RetentionPolicy(metric, tier, keep);
        Tell(http, policy);
        if (!await store.SetAsync(caller.Tenant, policy, seen: null, http.RequestAborted).ConfigureAwait(false))
            return new Problem(ProblemKind.Exists, "There is a policy for this metric and tier: change it.");
        Versions.Tell(http, VersionOf(policy));
        return TypedResults.Created($"/api/v1/tenant/retention-policies/{IdOf(policy)}", ToAnswer(policy));
    }

    private static async Task<Results<Ok<RetentionContracts.RetentionPolicy>, Problem>> UpdateAsync(
        string policyId,
        Body<SetRetentionPolicy> body,
        Caller caller,
        [FromServices] IRetentionPolicyStore? store,
        HttpContext http
    )
    {
        if (store is null)
            return NotAvailable();
        if (await FindAsync(policyId, caller, store, http).ConfigureAwait(false) is not { } seen)
            return Problem.NotFound();
        if (Versions.Read(http, VersionOf(seen), out _) is { } problem)
            return problem;
        if (ReadKeep(body.Value.Keep, out var keep) is { } invalid)
            return invalid;
        var policy = seen with { Keep = keep };
        Tell(http, policy);
        if (!await store.SetAsync(caller.Tenant, policy, seen.Keep, http.RequestAborted).ConfigureAwait(false))
            return new Problem(ProblemKind.Changed, "It is of another version by now.");
        Versions.Tell(http, VersionOf(policy));
        return TypedResults.Ok(ToAnswer(policy));
    }

    private static async Task<Results<NoContent, Problem>> DeleteAsync(
        string policyId,
        Caller caller,
        [FromServices] IRetentionPolicyStore? store,
        HttpContext http
    )
    {
        if (store is null)
            return NotAvailable();
        if (await FindAsync(policyId, caller, store, http).ConfigureAwait(false) is not { } seen)
            return Problem.NotFound();
        if (Versions.Read(http, VersionOf(seen), out _) is { } problem)
            return problem;
        Tell(http, seen);
        return await store.RemoveAsync(caller.Tenant, seen, http.RequestAborted).ConfigureAwait(false)
            ? TypedResults.NoContent()
            : new Problem(ProblemKind.Changed, "It is of another version by now.");
    }

    private static async ValueTask<Insa.Iiot.RetentionPolicy?> FindAsync(
        string policyId,
        Caller caller,
        IRetentionPolicyStore store,
        HttpContext http
    )
    {
        var policies = await store.ListAsync(caller.Tenant, http.RequestAborted).ConfigureAwait(false);
        return policies.FirstOrDefault(policy => IdOf(policy) == policyId);
    }

    private static Problem? ReadKeep(string text, out TimeSpan keep) =>
        Durations.TryRead(text, out keep) && keep >= Shortest
            ? null
            : Problem.Invalid("Write a number and a unit, from 1h to 36500d, such as 30d.", "/keep");

    // What was decided is the tenant's to read in its log, which the id does not say.
    private static void Tell(HttpContext http, Insa.Iiot.RetentionPolicy policy) =>
        AuditTrail.About(http, $"{policy.Metric} {Names.Of(policy.Tier)} {Durations.Of(policy.Keep)}");

    // A metric may have characters that a path cannot.
    private static string IdOf(Insa.Iiot.RetentionPolicy policy) =>
        Base64Url.EncodeToString(Encoding.UTF8.GetBytes($"{Names.Of(policy.Tier)}:{policy.Metric}"));

    // All that can change of a policy is how long it keeps.
    private static long VersionOf(Insa.Iiot.RetentionPolicy policy) => policy.Keep.Ticks / TimeSpan.TicksPerMicrosecond;

    private static RetentionContracts.RetentionPolicy ToAnswer(Insa.Iiot.RetentionPolicy policy) =>
        new(IdOf(policy), policy.Metric, Names.Of(policy.Tier), Durations.Of(policy.Keep), VersionOf(policy));

    private static Problem NotAvailable() => new(ProblemKind.NotAvailable, "The host's store has no retention policies.");
}
