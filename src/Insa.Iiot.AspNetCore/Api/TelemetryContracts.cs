using System.ComponentModel;
using System.Text.Json.Nodes;

namespace Insa.Iiot.AspNetCore.Api;

/// <summary>Readings, and what could not be stored.</summary>
internal static class TelemetryContracts
{
    internal sealed record Point(
        string Metric,
        DateTime Timestamp,
        [property: Description("A number, a boolean, a text, or any JSON.")] JsonNode? Value,
        [property: Description("good, uncertain or bad, and marks such as substituted.")] string Quality
    );

    internal sealed record PointPage(
        IReadOnlyList<Point> Points,
        [property: Description("The cursor of the next page; null on the last.")] string? Next
    );

    internal sealed record LatestPoints(IReadOnlyList<Point> Points);

    internal sealed record Bucket(DateTime Start, long Count, double Min, double Max, double Avg, double Sum);

    internal sealed record BucketList(IReadOnlyList<Bucket> Buckets);

    internal sealed record DeadLetter(
        string Id,
        string DeviceId,
        DateTime ReceivedAt,
        string Reason,
        string MediaType,
        [property: Description("The bytes as they came, as base64.")] string PayloadBase64
    );

    [Description("What is to be stored in place of what came, if anything.")]
    internal sealed record Replay(
        [property: Description("A mended payload, as base64.")] byte[]? Payload = null,
        [property: Description("Its media type.")] string? MediaType = null
    );
}
