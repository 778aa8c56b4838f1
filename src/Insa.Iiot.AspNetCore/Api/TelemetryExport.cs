using System.Globalization;
using System.Text;
using System.Text.Json;
using Insa.Iiot.AspNetCore.Http;
using Microsoft.AspNetCore.Http;

namespace Insa.Iiot.AspNetCore.Api;

/// <summary>Streams readings as they are read, in bounded memory.</summary>
internal static class TelemetryExport
{
    private const int FlushBytes = 64 * 1024;

    public static async Task WriteAsync(HttpContext http, IAsyncEnumerable<TelemetryPoint> points, bool isCsv)
    {
        http.Response.ContentType = isCsv ? "text/csv; charset=utf-8" : "application/x-ndjson";
        http.Response.Headers.ContentDisposition = isCsv
            ? "attachment; filename=\"telemetry.csv\""
            : "attachment; filename=\"telemetry.ndjson\"";
        var text = new StringBuilder();
        if (isCsv)
            text.Append("timestamp,metric,value,quality\r\n");
        await foreach (var point in points.ConfigureAwait(false))
        {
            Append(text, point, isCsv);
            if (text.Length >= FlushBytes)
                await FlushAsync(http, text).ConfigureAwait(false);
        }

        await FlushAsync(http, text).ConfigureAwait(false);
    }

    private static async Task FlushAsync(HttpContext http, StringBuilder text)
    {
        await http.Response.WriteAsync(text.ToString(), http.RequestAborted).ConfigureAwait(false);
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
