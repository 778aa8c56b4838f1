using Insa.Iiot.Tenancy;
using Microsoft.AspNetCore.Http;

namespace Insa.Iiot.AspNetCore.Problems;

/// <summary>What a request is told of an exception.</summary>
internal static class ProblemMapping
{
    /// <returns><see langword="null"/> for what is a fault of ours.</returns>
    public static Problem? ToProblem(Exception exception) =>
        exception switch
        {
            TenancyException tenancy => OfTenancy(tenancy),
            GatewayNotFoundException => Problem.NotFound(),
            LimitReachedException limit => new Problem(ProblemKind.LimitReached, limit.Message) { Subject = limit.Counter },
            TelemetryStoreException { IsTransient: true } => new Problem(ProblemKind.Busy, "The store cannot be used now.")
            {
                RetryAfter = TimeSpan.FromSeconds(5),
            },
            BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => new Problem(
                ProblemKind.TooLarge,
                "The body is larger than it may be."
            ),
            BadHttpRequestException { StatusCode: StatusCodes.Status415UnsupportedMediaType } => new Problem(
                ProblemKind.UnsupportedFormat,
                "Send application/json."
            ),
            BadHttpRequestException bad => Problem.Invalid(Reason(bad)),
            ArgumentNullException => null,
            ArgumentException argument => Problem.Invalid(Strip(argument)),
            _ => null,
        };

    private static Problem OfTenancy(TenancyException e) =>
        e.Error switch
        {
            // Never with the message, which may name what was looked for.
            TenancyError.NotFound => Problem.NotFound(),
            TenancyError.Exists => new Problem(ProblemKind.Exists, e.Message),
            TenancyError.Changed => new Problem(ProblemKind.Changed, e.Message),
            TenancyError.QuotaExceeded => new Problem(ProblemKind.LimitReached, e.Message),
            TenancyError.Escalation => new Problem(ProblemKind.Escalation, e.Message),
            TenancyError.Busy => new Problem(ProblemKind.Busy, e.Message) { RetryAfter = TimeSpan.FromSeconds(5) },
            TenancyError.LastAdmin or TenancyError.TenantState => new Problem(ProblemKind.Conflict, e.Message),
            _ => new Problem(ProblemKind.Invalid, e.Message),
        };

    // The framework's messages name parameters and places, and end with the parameter's type.
    private static string Reason(BadHttpRequestException e) =>
        e.InnerException is System.Text.Json.JsonException json
            ? $"The body cannot be read at {json.Path ?? "$"}, line {(json.LineNumber ?? 0) + 1}."
            : e.Message;

    private static string Strip(ArgumentException e)
    {
        var end = e.Message.IndexOf(" (Parameter", StringComparison.Ordinal);
        return end < 0 ? e.Message : e.Message[..end];
    }
}
