using System.Globalization;
using System.Text;
using Insa.Iiot.AspNetCore.Http;
using Insa.Iiot.AspNetCore.Problems;
using Microsoft.AspNetCore.Http;

namespace Insa.Iiot.AspNetCore.Api;

/// <summary>Hands messages to the ingress and waits until they are stored.</summary>
internal static class TelemetryIntake
{
    public const int MaxBytes = 1024 * 1024;

    private static readonly TimeSpan BusyPatience = TimeSpan.FromSeconds(20);

    /// <returns><see langword="null"/> once the message is durable and queryable.</returns>
    public static async Task<Problem?> SubmitAsync(
        ITelemetryIngress ingress,
        DeviceSession session,
        string? mediaType,
        ReadOnlyMemory<byte> payload,
        DateTime? receivedAt,
        CancellationToken cancellationToken
    )
    {
        var format = mediaType is null ? PayloadFormat.Json : ingress.FindFormat(Encoding.UTF8.GetBytes(mediaType));
        if (format is null)
            return new Problem(
                ProblemKind.UnsupportedFormat,
                "Send application/json, application/cbor, application/senml+json, application/senml+cbor or text/plain."
            );
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(BusyPatience);
        while (true)
        {
            var receipt = ingress.Submit(session, new TelemetryMessage(format, payload.Span) { ReceivedAt = receivedAt });
            if (receipt.Status == IngestStatus.Busy)
            {
                try
                {
                    await ingress.WaitForCapacityAsync(session, patience.Token).ConfigureAwait(false);
                    continue;
                }
                catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
                {
                    return new Problem(ProblemKind.Busy, "Send the message again later.") { RetryAfter = TimeSpan.FromSeconds(5) };
                }
            }

            var reason = receipt.Commit is { } commit
                ? receipt.Settle(await commit.WaitAsync(cancellationToken).ConfigureAwait(false))
                : receipt.Reason;
            return reason == IngestReason.None ? null : ToProblem(reason, receipt.RetryAfter);
        }
    }

    /// <returns>The body, or <see langword="null"/> if it is larger than allowed.</returns>
    public static async Task<byte[]?> ReadBodyAsync(HttpContext http)
    {
        if (http.Request.ContentLength > MaxBytes)
            return null;
        using var body = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (await http.Request.Body.ReadAsync(buffer, http.RequestAborted).ConfigureAwait(false) is var count and > 0)
        {
            if (body.Length + count > MaxBytes)
                return null;
            body.Write(buffer, 0, count);
        }

        return body.ToArray();
    }

    private static Problem ToProblem(IngestReason reason, TimeSpan retryAfter)
    {
        var kind = reason switch
        {
            IngestReason.TenantInactive => ProblemKind.TenantInactive,
            IngestReason.DeviceNotAllowed => ProblemKind.DeviceNotAllowed,
            IngestReason.MessageTooLarge => ProblemKind.TooLarge,
            IngestReason.QuotaExceeded or IngestReason.RateLimited => ProblemKind.QuotaExceeded,
            IngestReason.Stopping => ProblemKind.Busy,
            _ => ProblemKind.Invalid,
        };
        return new Problem(kind, string.Create(CultureInfo.InvariantCulture, $"The message was not taken: {Names.Of(reason)}."))
        {
            RetryAfter = retryAfter > TimeSpan.Zero ? retryAfter : null,
            Subject = Names.Of(reason),
        };
    }
}
