using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Insa.Iiot.AspNetCore.Problems;

/// <summary>
/// A refusal as problem details (RFC 9457). Two of the same kind are the same byte by byte: what does not exist and what is another tenant's
/// cannot be told apart. So nothing of the request is in it, such as a trace id.
/// </summary>
internal sealed class Problem(ProblemKind kind, string detail) : IResult
{
    public const string MediaType = "application/problem+json";

    private const string TypePrefix = "urn:insa:iiot:problem:";

    public ProblemKind Kind { get; } = kind;

    public string Detail { get; } = detail;

    /// <summary>When to try again.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>How to authenticate, if not by a bearer token (RFC 9110 §11.6.1).</summary>
    public string? Challenge { get; init; }

    /// <summary>Which field of the request is at fault, as a JSON Pointer (RFC 6901), or a parameter's name.</summary>
    public string? Field { get; init; }

    /// <summary>The permission, feature or limit that was asked for.</summary>
    public string? Subject { get; init; }

    public static Problem NotFound() => new(ProblemKind.NotFound, "There is no such thing, or it is not yours.");

    public static Problem Invalid(string detail, string? field = null) => new(ProblemKind.Invalid, detail) { Field = field };

    public Task ExecuteAsync(HttpContext httpContext)
    {
        ArgumentNullException.ThrowIfNull(httpContext);
        var response = httpContext.Response;
        response.StatusCode = (int)Kind.Status;
        response.ContentType = MediaType;
        response.Headers.CacheControl = "no-store";
        if (Kind == ProblemKind.Unauthenticated)
            response.Headers.WWWAuthenticate = Challenge ?? "Bearer";
        if (RetryAfter is { } wait)
            response.Headers.RetryAfter = Math.Max(1, Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        var body = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteString("type"u8, TypePrefix + Kind.Name);
            json.WriteString("title"u8, Kind.Title);
            json.WriteNumber("status"u8, (int)Kind.Status);
            json.WriteString("detail"u8, Detail);
            if (Field is not null)
                json.WriteString("field"u8, Field);
            if (Subject is not null)
                json.WriteString("subject"u8, Subject);
            json.WriteEndObject();
        }

        response.ContentLength = body.WrittenCount;
        return response.Body.WriteAsync(body.WrittenMemory, httpContext.RequestAborted).AsTask();
    }
}
