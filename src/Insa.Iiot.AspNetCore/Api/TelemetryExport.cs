using System.Globalization;
using System.Text;
using System.Text.Json;
using Insa.Iiot.AspNetCore.Http;

namespace Insa.Iiot.AspNetCore.Api;

/// <summary>Streams readings as they are read, in bounded memory.</summary>
internal static class TelemetryExport
{
    private const int FlushBytes = 64 * 1024;

    public static async Task WriteAsync(
        Stream body,
        IAsyncEnumerable<TelemetryPoint> points,
        bool isCsv,
        CancellationToken cancellationToken
    )
    {
        var text = new StringBuilder();
        if (isCsv)
            text.Append("timestamp,metric,value,quality\r\n");
        await foreach (var point in points.ConfigureAwait(false))
        {
            Append(text, point, isCsv);
            if (text.Length >= FlushBytes)
                await FlushAsync(body, text, cancellationToken).ConfigureAwait(false);
        }

        await FlushAsync(body, text, cancellationToken).ConfigureAwait(false);
    }

    private static async Task FlushAsync(Stream body, StringBuilder text, CancellationToken cancellationToken)
    {
        await body.WriteAsync(Encoding.UTF8.GetBytes(text.ToString()), cancellationToken).ConfigureAwait(false);
        text.Clear();
    }

    private static void Append(StringBuilder text, TelemetryPoint point, bool isCsv)
    {
        var time = point.Timestamp.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture);
        var quality = Names.Of(point.Quality);
        var value = TelemetryApi.ToJson(point.Value)?.ToJsonString() ?? "null";
        if (isCsv)
        {
            var plain = point.Value.Kind == TelemetryValueKind.Text ? point.Value.AsText() : value;
            text.Append(time).Append(',');
            AppendCsv(text, point.Metric);
            text.Append(',');
            AppendCsv(text, plain);
            text.Append(',');
            AppendCsv(text, quality);
            text.Append("\r\n");
            return;
        }

        text.Append("{\"timestamp\":\"").Append(time).Append("\",\"metric\":").Append(JsonSerializer.Serialize(point.Metric));
        text.Append(",\"value\":").Append(value).Append(",\"quality\":\"").Append(quality).Append("\"}\n");
    }

    // RFC 4180 §2. A text that a spreadsheet would take for a formula is marked as text.
    private static void AppendCsv(StringBuilder text, string field)
    {
        var isFormula = field.Length > 0 && field[0] is '=' or '+' or '@' or '\t' or '\r' || field is ['-', not (>= '0' and <= '9'), ..];
        if (isFormula)
            field = "'" + field;
        if (field.AsSpan().IndexOfAny(",\"\r\n") < 0)
        {
            text.Append(field);
            return;
        }

        text.Append('"').Append(field.Replace("\"", "\"\"", StringComparison.Ordinal)).Append('"');
    }
}
