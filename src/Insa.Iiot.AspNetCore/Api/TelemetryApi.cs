using System.ComponentModel;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Insa.Iiot.AspNetCore.Auditing;
using Insa.Iiot.AspNetCore.Http;
using Insa.Iiot.AspNetCore.Problems;
using Insa.Iiot.Tenancy;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using static Insa.Iiot.AspNetCore.Api.TelemetryContracts;

namespace Insa.Iiot.AspNetCore.Api;

/// <summary>Readings in and out.</summary>
internal static class TelemetryApi
{
    private const int MaxLimit = 10_000;
    private const int MaxBuckets = 10_000;
    private const string Protocol = "http";

    public static void Map(RouteGroupBuilder api)
    {
        var telemetry = api.MapGroup("").WithTags("Telemetry");
        telemetry
            .MapPost("/telemetry", PostAsDeviceAsync)
            .AllowAnonymous()
            .WithMetadata(new TelemetryBody())
            .WithName("postTelemetry")
            .WithSummary("Store readings as a device, by Basic authentication with device@tenant and its secret");
        var device = telemetry.MapGroup("/devices/{deviceId}/telemetry");
        device
            .MapPost("", PostAsync)
            .RequirePermission(Permissions.TelemetryWrite)
            .WithMetadata(new TelemetryBody())
            .WithName("postDeviceTelemetry")
            .WithSummary("Store readings of a device");
        device
            .MapGet("", ReadAsync)
            .RequirePermission(Permissions.TelemetryRead)
            .WithName("queryTelemetry")
            .WithSummary("Readings of a device by time");
        device
            .MapGet("/latest", LatestAsync)
            .RequirePermission(Permissions.TelemetryRead)
            .WithName("getLatestTelemetry")
            .WithSummary("The newest reading of each metric of a device");
        device
            .MapGet("/aggregate", AggregateAsync)
            .RequirePermission(Permissions.TelemetryRead)
            .WithName("aggregateTelemetry")
            .WithSummary("What a metric comes to per stretch of time");
        device
            .MapGet("/export", ExportAsync)
            .RequirePermission(Permissions.AnalyticsRead)
            .Audits("telemetry.export")
            .Produces<string>(StatusCodes.Status200OK, "text/csv", "application/x-ndjson")
            .WithName("exportTelemetry")
            .WithSummary("All readings of a device by time, as CSV or NDJSON");
    }

    // The tenant is that of the device's own credential.
    private static async Task<Results<NoContent, Problem>> PostAsDeviceAsync(
        ITelemetryIngress ingress,
        IDeviceAuthenticator authenticator,
        HttpContext http
    )
    {
        if (
            ReadBasic(http.Request.Headers.Authorization) is not { } credential
            || await authenticator.AuthenticateAsync(credential, http.RequestAborted).ConfigureAwait(false) is not { } session
        )
            return new Problem(ProblemKind.Unauthenticated, "Use Basic authentication with device@tenant and its secret.")
            {
                Challenge = "Basic realm=\"telemetry\"",
            };
        return await TakeAsync(ingress, session, http).ConfigureAwait(false);
    }

    private static async Task<Results<NoContent, Problem>> PostAsync(
        string deviceId,
        Caller caller,
        ITelemetryIngress ingress,
        IDeviceRegistry registry,
        HttpContext http
    ) =>
        await DevicesApi.FindAsync(deviceId, caller, registry, http).ConfigureAwait(false) is { State: DeviceState.Enabled } device
            ? await TakeAsync(ingress, new DeviceSession(caller.Tenant, device.Id), http).ConfigureAwait(false)
            : Problem.NotFound();

    private static async Task<Results<NoContent, Problem>> TakeAsync(ITelemetryIngress ingress, DeviceSession session, HttpContext http)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = null;
        if (await TelemetryIntake.ReadBodyAsync(http).ConfigureAwait(false) is not { } body)
            return new Problem(ProblemKind.TooLarge, $"A message has at most {TelemetryIntake.MaxBytes} bytes.");
        var problem = await TelemetryIntake
            .SubmitAsync(ingress, session.Over(Protocol), http.Request.ContentType, body, receivedAt: null, http.RequestAborted)
            .ConfigureAwait(false);
        return problem is null ? TypedResults.NoContent() : problem;
    }

    private static async Task<Results<Ok<PointPage>, Problem>> ReadAsync(
        string deviceId,
        [FromQuery, Description("Metrics, separated by commas; all if missing.")] string? metric,
        [FromQuery, Description("From when on (RFC 3339).")] string? from,
        [FromQuery, Description("Before when (RFC 3339).")] string? to,
        [FromQuery, Description("The 'next' of the page before.")] string? cursor,
        [FromQuery, Description("How many at most, 1 to 10,000; 1,000 if missing.")] int? limit,
        Caller caller,
        ITelemetryReader reader,
        IDeviceRegistry registry,
        HttpContext http
    )
    {
        if (await DevicesApi.FindAsync(deviceId, caller, registry, http).ConfigureAwait(false) is not { } device)
            return Problem.NotFound();
        var count = limit ?? 1000;
        if (count is < 1 or > MaxLimit)
            return Problem.Invalid($"The limit is from 1 to {MaxLimit}.", "limit");
        TelemetryCursor? after = null;
        if (cursor is not null && !TelemetryCursor.TryParse(cursor, out after))
            return Problem.Invalid("The cursor is not one of this list's.", "cursor");
        if (!Times.TryRead(from, DateTime.UnixEpoch, out var first) || !Times.TryRead(to, DateTime.MaxValue, out var end))
            return BadTime();
        var query = new TelemetryQuery
        {
            Device = device.Id,
            Metrics = metric?.Split(',') ?? [],
            From = first,
            To = end,
            Limit = count,
            After = after,
        };
        var points = new List<Point>();
        TelemetryPoint last = default;
        await foreach (var point in reader.ReadAsync(caller.Tenant, query, http.RequestAborted).ConfigureAwait(false))
        {
            points.Add(ToAnswer(point));
            last = point;
        }

        var next = points.Count == count ? new TelemetryCursor(last.Timestamp, last.Metric).ToString() : null;
        return TypedResults.Ok(new PointPage(points, next));
    }

    private static async Task<Results<Ok<LatestPoints>, Problem>> LatestAsync(
        string deviceId,
        Caller caller,
        ITelemetryReader reader,
        IDeviceRegistry registry,
        HttpContext http
    )
    {
        if (await DevicesApi.FindAsync(deviceId, caller, registry, http).ConfigureAwait(false) is not { } device)
            return Problem.NotFound();
        var points = await reader.ReadLatestAsync(caller.Tenant, device.Id, http.RequestAborted).ConfigureAwait(false);
        return TypedResults.Ok(new LatestPoints([.. points.Select(ToAnswer)]));
    }

    private static async Task<Results<Ok<BucketList>, Problem>> AggregateAsync(
        string deviceId,
        [FromQuery, Description("The metric.")] string metric,
        [FromQuery, Description("From when on (RFC 3339).")] string from,
        [FromQuery, Description("Before when (RFC 3339).")] string to,
        [FromQuery, Description("How long a stretch is: 500ms, 15s, 1m, 1h, 1d.")] string bucket,
        Caller caller,
        ITelemetryReader reader,
        IDeviceRegistry registry,
        HttpContext http
    )
    {
        if (await DevicesApi.FindAsync(deviceId, caller, registry, http).ConfigureAwait(false) is not { } device)
            return Problem.NotFound();
        if (metric.Length == 0)
            return Problem.Invalid("Name one: metric=temperature.", "metric");
        if (!Times.TryRead(from, default, out var first) || !Times.TryRead(to, default, out var end) || end <= first)
            return BadTime();
        if (!Durations.TryRead(bucket, out var width))
            return Problem.Invalid(Durations.Form, "bucket");
        if ((end - first) / width > MaxBuckets)
            return Problem.Invalid($"At most {MaxBuckets} stretches: take longer ones or a shorter range.", "bucket");
        var query = new TelemetryAggregateQuery
        {
            Device = device.Id,
            Metric = metric,
            From = first,
            To = end,
            Bucket = width,
        };
        var buckets = await reader.AggregateAsync(caller.Tenant, query, http.RequestAborted).ConfigureAwait(false);
        return TypedResults.Ok(
            new BucketList([.. buckets.Select(b => new Bucket(Times.Utc(b.Start), b.Count, b.Min, b.Max, b.Average, b.Sum))])
        );
    }

    private static async Task<Results<EmptyHttpResult, Problem>> ExportAsync(
        string deviceId,
        [FromQuery, Description("Metrics, separated by commas; all if missing.")] string? metric,
        [FromQuery, Description("From when on (RFC 3339).")] string? from,
        [FromQuery, Description("Before when (RFC 3339).")] string? to,
        [FromQuery, Description("csv or ndjson; csv if missing.")] string? format,
        Caller caller,
        ITelemetryReader reader,
        IDeviceRegistry registry,
        HttpContext http
    )
    {
        if (await DevicesApi.FindAsync(deviceId, caller, registry, http).ConfigureAwait(false) is not { } device)
            return Problem.NotFound();
        if (!Times.TryRead(from, DateTime.UnixEpoch, out var first) || !Times.TryRead(to, DateTime.MaxValue, out var end))
            return BadTime();
        if (format is not (null or "csv" or "ndjson"))
            return Problem.Invalid("Write csv or ndjson.", "format");
        var query = new TelemetryQuery
        {
            Device = device.Id,
            Metrics = metric?.Split(',') ?? [],
            From = first,
            To = end,
            Limit = int.MaxValue,
        };
        await TelemetryExport
            .WriteAsync(http, reader.ReadAsync(caller.Tenant, query, http.RequestAborted), isCsv: format != "ndjson")
            .ConfigureAwait(false);
        return TypedResults.Empty;
    }

    internal static JsonNode? ToJson(in TelemetryValue value) =>
        value.Kind switch
        {
            TelemetryValueKind.Double => JsonValue.Create(value.AsDouble()),
            TelemetryValueKind.Long => JsonValue.Create(value.AsLong()),
            TelemetryValueKind.Bool => JsonValue.Create(value.AsBool()),
            TelemetryValueKind.Text => JsonValue.Create(value.AsText()),
            _ => JsonNode.Parse(value.AsText()),
        };

    private static Point ToAnswer(TelemetryPoint point) =>
        new(point.Metric, Times.Utc(point.Timestamp), ToJson(point.Value), Names.Of(point.Quality));

    private static DeviceCredential? ReadBasic(string? authorization)
    {
        const string Scheme = "Basic ";
        if (authorization?.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) != true)
            return null;
        var bytes = new byte[authorization.Length];
        if (!Convert.TryFromBase64String(authorization[Scheme.Length..].Trim(), bytes, out var length))
            return null;
        var colon = bytes.AsSpan(0, length).IndexOf((byte)':');
        return colon < 0
            ? null
            : DeviceCredential.FromPassword(Encoding.UTF8.GetString(bytes, 0, colon), bytes.AsMemory(colon + 1, length - colon - 1));
    }

    private static Problem BadTime() => Problem.Invalid("Write from and to as RFC 3339: 2026-05-01T12:00:00Z, the earlier first.");
}
