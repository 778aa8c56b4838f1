using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Insa.Iiot.Ingestion;
using Insa.Iiot.SampleHost.Bootstrap;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.SampleHost.Api;

/// <summary>The HTTP API: devices post with their own credential, the administrator reads with the admin token.</summary>
internal static class TelemetryApi
{
    private const int MaxLimit = 10_000;
    private const int MaxBuckets = 10_000;
    private static readonly TimeSpan BusyPatience = TimeSpan.FromSeconds(20);

    public static void MapTelemetryApi(this WebApplication app)
    {
        app.MapPost("/api/v1/telemetry", PostAsync);

        var reads = app.MapGroup("/api/v1").AddEndpointFilter(RequireAdminAsync);
        reads.MapGet("/devices", ListDevicesAsync);
        reads.MapPost("/devices", AddDeviceAsync);
        reads.MapGet("/dead-letters", ListDeadLettersAsync);
        reads.MapGet("/devices/{id}/telemetry", ReadAsync);
        reads.MapGet("/devices/{id}/telemetry/latest", LatestAsync);
        reads.MapGet("/devices/{id}/telemetry/aggregate", AggregateAsync);
    }

    private static async Task<IResult> PostAsync(
        HttpContext http,
        ITelemetryIngress ingress,
        IDeviceAuthenticator authenticator,
        IOptions<IngestionOptions> options
    )
    {
        var maxBytes = options.Value.Limits.MaxMessageBytes;
        http.Features.Get<IHttpMaxRequestBodySizeFeature>()!.MaxRequestBodySize = null;
        if (
            ReadBasic(http.Request.Headers.Authorization) is not { } credential
            || await authenticator.AuthenticateAsync(credential, http.RequestAborted) is not { } session
        )
        {
            http.Response.Headers.WWWAuthenticate = "Basic realm=\"telemetry\"";
            return Problem(401, "The device credential does not hold.", "Use Basic authentication with device@tenant and its secret.");
        }

        var format = http.Request.ContentType is { } type ? ingress.FindFormat(Encoding.UTF8.GetBytes(type)) : PayloadFormat.Json;
        if (format is null)
            return Problem(
                415,
                "The content type is not known.",
                "Send application/json, application/senml+json, application/senml+cbor or text/plain."
            );
        if (await ReadBodyAsync(http, maxBytes) is not { } body)
            return Problem(413, "The message is too large.", $"At most {maxBytes} bytes.");
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        patience.CancelAfter(BusyPatience);
        while (true)
        {
            var receipt = ingress.Submit(session, new TelemetryMessage(format, body));
            if (receipt.Status == IngestStatus.Busy)
            {
                try
                {
                    await ingress.WaitForCapacityAsync(session, patience.Token);
                    continue;
                }
                catch (OperationCanceledException) when (!http.RequestAborted.IsCancellationRequested)
                {
                    http.Response.Headers.RetryAfter = "5";
                    return Problem(503, "The host is busy.", "Send the message again later.");
                }
            }

            var reason = receipt.Commit is { } commit ? receipt.Settle(await commit.WaitAsync(http.RequestAborted)) : receipt.Reason;
            if (reason == IngestReason.None)
                return Results.NoContent();
            if (receipt.Status == IngestStatus.Throttled)
                http.Response.Headers.RetryAfter = Math.Ceiling(receipt.RetryAfter.TotalSeconds).ToString(CultureInfo.InvariantCulture);
            return Problem(StatusOf(reason), "The message was not taken.", reason.ToString());
        }
    }

    private static async Task<IResult> ListDevicesAsync(HttpContext http, IDeviceRegistry registry, string? after, int limit = 100)
    {
        if (limit is < 1 or > MaxLimit)
            return Problem(400, "The limit is out of range.", $"It is from 1 to {MaxLimit}.");
        DeviceId? last = null;
        if (after is not null)
        {
            if (!DeviceId.TryParse(after, out var id))
                return Problem(400, "'after' is no device id.", "Use the 'next' of the page before.");
            last = id;
        }

        var devices = await registry.ListAsync(TenantOf(http), last, limit, http.RequestAborted);
        return Results.Json(
            new JsonObject
            {
                ["devices"] = new JsonArray([
                    .. devices.Select(device => new JsonObject
                    {
                        ["id"] = device.Id.Value,
                        ["name"] = device.DisplayName,
                        ["gateway"] = device.Gateway?.Value,
                        ["createdAt"] = Format(device.CreatedAt),
                    }),
                ]),
                ["next"] = devices.Count == limit ? devices[^1].Id.Value : null,
            }
        );
    }

    private static async Task<IResult> AddDeviceAsync(HttpContext http, IDeviceRegistry registry, NewDevice device)
    {
        if (!DeviceId.TryParse(device.Id, out var id) || device.Name?.Length > 200)
            return Problem(
                400,
                "The device is not valid.",
                "An id is 1 to 128 characters of A-Z a-z 0-9 . _ : -, and a name at most 200 characters."
            );
        DeviceId? gateway = null;
        if (device.Gateway is not null)
        {
            if (!DeviceId.TryParse(device.Gateway, out var named))
                return Problem(400, "The gateway is no device id.", "Name a device of the tenant, or none.");
            gateway = named;
        }

        var tenant = TenantOf(http);
        var added = new Device
        {
            Id = id,
            DisplayName = device.Name ?? "",
            Gateway = gateway,
        };
        try
        {
            if (!await registry.AddAsync(tenant, added, http.RequestAborted))
                return Problem(409, "There is a device of that id already.", id.Value);
        }
        catch (GatewayNotFoundException e)
        {
            return Problem(400, "There is no such gateway.", e.Message);
        }
        catch (LimitReachedException e)
        {
            return Problem(403, "The tenant has no room for another device.", e.Message);
        }

        var secret = await registry.RotateSecretAsync(tenant, id, http.RequestAborted);
        return Results.Json(
            new JsonObject
            {
                ["id"] = id.Value,
                ["username"] = $"{id}@{tenant}",
                ["password"] = secret,
            },
            statusCode: StatusCodes.Status201Created
        );
    }

    private static async Task<IResult> ListDeadLettersAsync(HttpContext http, IDeadLetterStore store, long after = 0, int limit = 100)
    {
        if (limit is < 1 or > MaxLimit)
            return Problem(400, "The limit is out of range.", $"It is from 1 to {MaxLimit}.");
        var letters = await store.ListAsync(TenantOf(http), after, limit, http.RequestAborted);
        return Results.Json(
            new JsonObject
            {
                ["letters"] = new JsonArray([
                    .. letters.Select(letter => new JsonObject
                    {
                        ["id"] = letter.Id,
                        ["device"] = letter.Device.Value,
                        ["receivedAt"] = Format(letter.ReceivedAt),
                        ["reason"] = JsonNamingPolicy.CamelCase.ConvertName(letter.Reason.ToString()),
                        ["mediaType"] = letter.MediaType,
                        ["payloadBase64"] = Convert.ToBase64String(letter.Payload.Span),
                    }),
                ]),
                ["next"] = letters.Count == limit ? letters[^1].Id : null,
            }
        );
    }

    private static async Task<IResult> ReadAsync(
        HttpContext http,
        ITelemetryReader reader,
        IDeviceRegistry registry,
        string id,
        string? metric,
        string? from,
        string? to,
        string? cursor,
        int limit = 1000
    )
    {
        if (await FindDeviceAsync(http, registry, id) is not { } device)
            return NoDevice();
        if (limit is < 1 or > MaxLimit)
            return Problem(400, "The limit is out of range.", $"It is from 1 to {MaxLimit}.");
        TelemetryCursor? after = null;
        if (cursor is not null && !TelemetryCursor.TryParse(cursor, out after))
            return Problem(400, "The cursor is not one of ours.", "Use the 'next' of the page before.");
        if (!TryReadTime(from, DateTime.UnixEpoch, out var first) || !TryReadTime(to, DateTime.MaxValue, out var end))
            return BadTime();

        var query = new TelemetryQuery
        {
            Device = device,
            Metrics = metric?.Split(',') ?? [],
            From = first,
            To = end,
            Limit = limit,
            After = after,
        };
        var points = new JsonArray();
        TelemetryPoint last = default;
        await foreach (var point in reader.ReadAsync(TenantOf(http), query, http.RequestAborted))
        {
            points.Add(ToJson(point));
            last = point;
        }

        var next = points.Count == limit ? new TelemetryCursor(last.Timestamp, last.Metric).ToString() : null;
        return Results.Json(new JsonObject { ["points"] = points, ["next"] = next });
    }

    private static async Task<IResult> LatestAsync(HttpContext http, ITelemetryReader reader, IDeviceRegistry registry, string id)
    {
        if (await FindDeviceAsync(http, registry, id) is not { } device)
            return NoDevice();
        var points = await reader.ReadLatestAsync(TenantOf(http), device, http.RequestAborted);
        return Results.Json(new JsonObject { ["points"] = new JsonArray([.. points.Select(ToJson)]) });
    }

    private static async Task<IResult> AggregateAsync(
        HttpContext http,
        ITelemetryReader reader,
        IDeviceRegistry registry,
        string id,
        string? metric,
        string? from,
        string? to,
        string? bucket
    )
    {
        if (await FindDeviceAsync(http, registry, id) is not { } device)
            return NoDevice();
        if (string.IsNullOrEmpty(metric))
            return Problem(400, "The metric is missing.", "Name one: metric=temperature.");
        if (
            from is null
            || to is null
            || !TryReadTime(from, default, out var first)
            || !TryReadTime(to, default, out var end)
            || end <= first
        )
            return BadTime();
        if (!TryReadBucket(bucket, out var width))
            return Problem(400, "The bucket cannot be read.", "Write a number and a unit: 500ms, 15s, 1m, 1h, 1d.");
        if ((end - first) / width > MaxBuckets)
            return Problem(400, "Too many buckets.", $"At most {MaxBuckets}: take a wider bucket or a shorter range.");

        var query = new TelemetryAggregateQuery
        {
            Device = device,
            Metric = metric,
            From = first,
            To = end,
            Bucket = width,
        };
        var buckets = await reader.AggregateAsync(TenantOf(http), query, http.RequestAborted);
        return Results.Json(
            new JsonObject
            {
                ["buckets"] = new JsonArray([
                    .. buckets.Select(b => new JsonObject
                    {
                        ["start"] = Format(b.Start),
                        ["count"] = b.Count,
                        ["min"] = b.Min,
                        ["max"] = b.Max,
                        ["avg"] = b.Average,
                        ["sum"] = b.Sum,
                    }),
                ]),
            }
        );
    }

    private static async ValueTask<object?> RequireAdminAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        if (http.RequestServices.GetRequiredService<AdminToken>().Check(http.Request.Headers.Authorization) is not { } tenant)
        {
            http.Response.Headers.WWWAuthenticate = "Bearer";
            return Problem(401, "The admin token does not hold.", "Send it as a bearer token; it is in bootstrap.json of the data folder.");
        }

        http.Items[nameof(TenantId)] = tenant;
        return await next(context);
    }

    private static TenantId TenantOf(HttpContext http) => (TenantId)http.Items[nameof(TenantId)]!;

    private static async Task<DeviceId?> FindDeviceAsync(HttpContext http, IDeviceRegistry registry, string id) =>
        DeviceId.TryParse(id, out var device) && await registry.FindAsync(TenantOf(http), device, http.RequestAborted) is not null
            ? device
            : null;

    /// <returns>The body, or <see langword="null"/> if it is larger than allowed.</returns>
    private static async Task<byte[]?> ReadBodyAsync(HttpContext http, int maxBytes)
    {
        if (http.Request.ContentLength > maxBytes)
            return null;
        using var body = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (await http.Request.Body.ReadAsync(buffer, http.RequestAborted) is var count and > 0)
        {
            if (body.Length + count > maxBytes)
                return null;
            body.Write(buffer, 0, count);
        }

        return body.ToArray();
    }

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

    private static bool TryReadTime(string? text, DateTime absent, out DateTime time)
    {
        time = absent;
        if (text is null)
            return true;
        if (!DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var read))
            return false;
        time = read.UtcDateTime;
        return true;
    }

    private static bool TryReadBucket(string? text, out TimeSpan width)
    {
        width = default;
        var digits = text is null ? 0 : text.TakeWhile(char.IsAsciiDigit).Count();
        if (digits is 0 or > 9)
            return false;
        var unit = text![digits..] switch
        {
            "ms" => TimeSpan.FromMilliseconds(1),
            "s" => TimeSpan.FromSeconds(1),
            "m" => TimeSpan.FromMinutes(1),
            "h" => TimeSpan.FromHours(1),
            "d" => TimeSpan.FromDays(1),
            _ => TimeSpan.Zero,
        };
        var ticks = unit.Ticks * (double)int.Parse(text.AsSpan(0, digits), CultureInfo.InvariantCulture);
        if (ticks <= 0 || ticks > TimeSpan.FromDays(36_500).Ticks)
            return false;
        width = TimeSpan.FromTicks((long)ticks);
        return true;
    }

    private static JsonObject ToJson(TelemetryPoint point) =>
        new()
        {
            ["metric"] = point.Metric,
            ["timestamp"] = Format(point.Timestamp),
            ["value"] = point.Value.Kind switch
            {
                TelemetryValueKind.Double => point.Value.AsDouble(),
                TelemetryValueKind.Long => point.Value.AsLong(),
                TelemetryValueKind.Bool => point.Value.AsBool(),
                TelemetryValueKind.Text => point.Value.AsText(),
                _ => JsonNode.Parse(point.Value.AsText()),
            },
            ["quality"] = JsonNamingPolicy.CamelCase.ConvertName(point.Quality.ToString()),
        };

    private static string Format(DateTime utc) => utc.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture);

    private static int StatusOf(IngestReason reason) =>
        reason switch
        {
            IngestReason.DeviceNotAllowed or IngestReason.TenantInactive => 403,
            IngestReason.MessageTooLarge => 413,
            IngestReason.QuotaExceeded or IngestReason.RateLimited => 429,
            IngestReason.Stopping => 503,
            _ => 400,
        };

    private static IResult NoDevice() => Problem(404, "There is no such device.", "GET /api/v1/devices lists them.");

    private static IResult BadTime() =>
        Problem(400, "The time range cannot be read.", "Write from and to as RFC 3339: 2026-05-01T12:00:00Z.");

    private static IResult Problem(int status, string title, string detail) => Results.Problem(detail, title: title, statusCode: status);
}
