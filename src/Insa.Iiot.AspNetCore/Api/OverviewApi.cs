using System.ComponentModel;
using System.Globalization;
using Insa.Iiot.AspNetCore.Auditing;
using Insa.Iiot.AspNetCore.Http;
using Insa.Iiot.AspNetCore.Problems;
using Insa.Iiot.Tenancy;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using static Insa.Iiot.AspNetCore.Api.OverviewContracts;

namespace Insa.Iiot.AspNetCore.Api;

/// <summary>What a tenant uses and has, and what was done in it.</summary>
internal static class OverviewApi
{
    private const int MaxHours = 31 * 24;
    private static readonly TimeSpan Recently = TimeSpan.FromMinutes(15);

    public static void Map(RouteGroupBuilder api)
    {
        var usage = api.MapGroup("/tenant/usage").WithTags("Usage").RequirePermission(Permissions.BillingRead);
        usage.MapGet("", GetUsageAsync).WithName("getUsage").WithSummary("How every limit of the tenant stands, and what was refused");
        usage.MapGet("/hours", GetHoursAsync).WithName("listUsageHours").WithSummary("What the tenant used, by the hour");
        usage
            .MapGet("/export", ExportUsage)
            .Audits("usage.export")
            .Produces<string>(StatusCodes.Status200OK, "text/csv", "application/x-ndjson")
            .WithName("exportUsage")
            .WithSummary("What the tenant used in closed hours, for billing: CloudEvents or CSV");
        api.MapGet("/tenant/statistics", GetStatisticsAsync)
            .WithTags("Usage")
            .RequirePermission(Permissions.AnalyticsRead)
            .WithName("getStatistics")
            .WithSummary("Devices, points per day, the busiest devices, storage and refusals");

        var audit = api.MapGroup("/audit").WithTags("Audit").RequirePermission(Permissions.AuditRead);
        audit.MapGet("", ListAuditAsync).WithName("listAudit").WithSummary("What was done and refused in the tenant");
        audit
            .MapGet("/{sequence:long:min(1)}/proof", ProveAsync)
            .WithName("proveAuditEntry")
            .WithSummary("That an entry is in the log of a checkpoint");
        audit
            .MapPost("/checkpoint", CheckpointAsync)
            .Audits("audit.checkpoint")
            .WithName("makeCheckpoint")
            .WithSummary("A signed checkpoint of the log, to keep elsewhere");
        audit
            .MapGet("/export", ExportAudit)
            .Audits("audit.export")
            .Produces<string>(StatusCodes.Status200OK, "application/x-ndjson")
            .WithName("exportAudit")
            .WithSummary("The log with checkpoints and keys, to be verified offline");
        api.MapGet("/audit/keys", ListKeysAsync)
            .WithTags("Audit")
            .AllowAnonymous()
            .WithName("listAuditKeys")
            .WithSummary("The public keys of checkpoints");
    }

    private static async Task<Ok<Usage>> GetUsageAsync(Caller caller, TenantUsage usage, HttpContext http) =>
        TypedResults.Ok(ToAnswer(await usage.ReadAsync(caller.Tenant, http.RequestAborted).ConfigureAwait(false)));

    internal static Usage ToAnswer(IReadOnlyList<LimitUsage> limits) =>
        new([
            .. limits.Select(limit => new Limit(
                Names.Of(limit.Kind),
                limit.Name,
                limit.Used,
                limit.Limit,
                limit.Remaining,
                limit.Period,
                limit.ResetsAt,
                limit.LastRefusedAt,
                limit.RefusedInHour
            )),
        ]);

    private static async Task<Results<Ok<UsageHours>, Problem>> GetHoursAsync(
        [FromQuery, Description("The first hour (RFC 3339); a day ago if missing.")] string? from,
        [FromQuery, Description("The hour before which to end (RFC 3339); now if missing.")] string? to,
        Caller caller,
        UsageLedger ledger,
        TimeProvider time,
        HttpContext http
    )
    {
        if (ReadRange(from, to, time, out var first, out var end) is { } problem)
            return problem;
        var hours = new List<OverviewContracts.UsageHour>();
        await foreach (var hour in ledger.ReadAsync(caller.Tenant, first, end, http.RequestAborted).ConfigureAwait(false))
            hours.Add(
                new OverviewContracts.UsageHour(
                    Times.Utc(hour.Hour),
                    hour.Messages,
                    hour.Points,
                    hour.Bytes,
                    hour.RefusedInactive,
                    hour.RefusedQuota,
                    hour.RefusedRate,
                    hour.StorageDays
                )
            );
        return TypedResults.Ok(new UsageHours(hours));
    }

    // Exports are written once the log has it that they were taken.
    private static Results<PushStreamHttpResult, Problem> ExportUsage(
        [FromQuery, Description("The first hour (RFC 3339); a day ago if missing.")] string? from,
        [FromQuery, Description("The hour before which to end (RFC 3339); now if missing.")] string? to,
        [FromQuery, Description("cloudevents or csv; cloudevents if missing.")] string? format,
        Caller caller,
        UsageLedger ledger,
        TimeProvider time,
        HttpContext http
    )
    {
        if (ReadRange(from, to, time, out var first, out var end) is { } problem)
            return problem;
        if (format is not (null or "cloudevents" or "csv"))
            return Problem.Invalid("Write cloudevents or csv.", "format");
        var isCsv = format == "csv";
        return TypedResults.Stream(
            body =>
                ledger.ExportAsync(caller.Tenant, first, end, isCsv ? UsageFormat.Csv : UsageFormat.CloudEvents, body, http.RequestAborted),
            isCsv ? "text/csv; charset=utf-8" : "application/x-ndjson"
        );
    }

    private static async Task<Results<Ok<Statistics>, Problem>> GetStatisticsAsync(
        [FromQuery, Description("How many days, today last; 1 to 31, 7 if missing.")] int? days,
        Caller caller,
        ITelemetryStatistics statistics,
        TenantUsage usage,
        UsageLedger ledger,
        TimeProvider time,
        HttpContext http
    )
    {
        var count = days ?? 7;
        if (count is < 1 or > ITelemetryStatistics.MaxDays)
            return Problem.Invalid($"From 1 to {ITelemetryStatistics.MaxDays} days.", "days");
        var now = time.GetUtcNow().UtcDateTime;
        var first = DateOnly.FromDateTime(now).AddDays(1 - count);
        var (tenant, cancel) = (caller.Tenant, http.RequestAborted);
        var devices = await statistics.CountDevicesAsync(tenant, now - Recently, cancel).ConfigureAwait(false);
        var points = await statistics.CountPointsAsync(tenant, first, count, cancel).ConfigureAwait(false);
        var busiest = await statistics.ListBusiestAsync(tenant, first, count, limit: 10, cancel).ConfigureAwait(false);
        var stored = await usage.ReadStorageAsync(tenant, cancel).ConfigureAwait(false);
        return TypedResults.Ok(
            new Statistics(
                new DeviceCount(devices.Enabled, devices.Disabled, devices.Seen),
                [.. points.Select(day => new DayCount(day.Day, day.Points))],
                [.. busiest.Select(device => new BusyDevice(device.Device.Value, device.Points))],
                stored?.Bytes,
                stored is null ? null : Times.Utc(stored.MeasuredAt),
                await CountRefusalsAsync(tenant, first, count, usage, ledger, cancel).ConfigureAwait(false)
            )
        );
    }

    private static async ValueTask<Refusals> CountRefusalsAsync(
        TenantId tenant,
        DateOnly firstDay,
        int days,
        TenantUsage usage,
        UsageLedger ledger,
        CancellationToken cancellationToken
    )
    {
        var from = firstDay.ToDateTime(TimeOnly.MinValue, DateTimeKind.Utc);
        var (inactive, quota, rate) = (0L, 0L, 0L);
        await foreach (var hour in ledger.ReadAsync(tenant, from, from.AddDays(days), cancellationToken).ConfigureAwait(false))
        {
            inactive += hour.RefusedInactive;
            quota += hour.RefusedQuota;
            rate += hour.RefusedRate;
        }

        // A rate has a line for each of its windows, and one count of refusals for all of them.
        var limits = await usage.ReadAsync(tenant, cancellationToken).ConfigureAwait(false);
        return new Refusals(
            inactive,
            quota,
            rate,
            [
                .. limits
                    .Where(limit => limit.LastRefusedAt is not null)
                    .DistinctBy(limit => limit.Name)
                    .Select(limit => new LimitRefusals(limit.Name, Times.Utc(limit.LastRefusedAt!.Value), limit.RefusedInHour)),
            ]
        );
    }

    private static async Task<Results<Ok<Page<OverviewContracts.AuditEntry>>, Problem>> ListAuditAsync(
        [AsParameters] PageQuery page,
        Caller caller,
        AuditLog log,
        HttpContext http
    )
    {
        var list = $"audit of {caller.Tenant}";
        if (page.Read(list, out var after) is { } problem)
            return problem;
        var last = after is null ? 0 : long.Parse(after, CultureInfo.InvariantCulture);
        var found = await log.ListAsync(ControlScope.Of(caller.Tenant), last, page.Count, http.RequestAborted).ConfigureAwait(false);
        return TypedResults.Ok(
            page.ToPage(
                list,
                found,
                entry => new OverviewContracts.AuditEntry(
                    entry.Sequence,
                    Times.Utc(entry.Time),
                    entry.Actor,
                    entry.Action,
                    entry.Target,
                    entry.Refusal,
                    entry.SourceAddress,
                    entry.Details
                ),
                entry => entry.Sequence.ToString(CultureInfo.InvariantCulture)
            )
        );
    }

    private static async Task<Results<Ok<AuditProof>, Problem>> ProveAsync(
        long sequence,
        [FromQuery, Description("The checkpoint's number of entries.")] long size,
        Caller caller,
        AuditLog log,
        HttpContext http
    )
    {
        if (size < sequence)
            return Problem.NotFound();
        var proof = await log.ProveInclusionAsync(ControlScope.Of(caller.Tenant), sequence, size, http.RequestAborted)
            .ConfigureAwait(false);
        return proof is null
            ? Problem.NotFound()
            : TypedResults.Ok(new AuditProof(proof.Entry, proof.Size, [.. proof.Path.Select(hash => Convert.ToBase64String(hash.Span))]));
    }

    private static async Task<Ok<OverviewContracts.AuditCheckpoint>> CheckpointAsync(Caller caller, AuditLog log, HttpContext http)
    {
        var checkpoint = await log.CheckpointAsync(ControlScope.Of(caller.Tenant), http.RequestAborted).ConfigureAwait(false);
        return TypedResults.Ok(new OverviewContracts.AuditCheckpoint(checkpoint.ToString()!));
    }

    private static PushStreamHttpResult ExportAudit(Caller caller, AuditLog log, HttpContext http) =>
        TypedResults.Stream(
            body => log.ExportAsync(ControlScope.Of(caller.Tenant), body, http.RequestAborted).AsTask(),
            "application/x-ndjson"
        );

    private static async Task<Ok<AuditKeys>> ListKeysAsync(AuditLog log, HttpContext http)
    {
        var keys = await log.ReadKeysAsync(http.RequestAborted).ConfigureAwait(false);
        return TypedResults.Ok(new AuditKeys([.. keys.Select(key => new AuditKey(key.Id, Times.Utc(key.CreatedAt), key.ToPem()))]));
    }

    private static Problem? ReadRange(string? from, string? to, TimeProvider time, out DateTime first, out DateTime end)
    {
        var now = time.GetUtcNow().UtcDateTime;
        end = now;
        if (!Times.TryRead(from, now.AddDays(-1), out first) || !Times.TryRead(to, now, out end) || end < first)
            return Problem.Invalid("Write from and to as RFC 3339: 2026-05-01T12:00:00Z, the earlier first.");
        return end - first > TimeSpan.FromHours(MaxHours) ? Problem.Invalid($"At most {MaxHours} hours at a time.") : null;
    }
}
