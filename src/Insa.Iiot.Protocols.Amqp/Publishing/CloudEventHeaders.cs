using System.Globalization;

namespace Insa.Iiot.Protocols.Amqp.Publishing;

/// <summary>The attributes of CloudEvents 1.0 as headers, in the binary mode of its AMQP binding (§3.1); <c>datacontenttype</c> is the content type.</summary>
internal static class CloudEventHeaders
{
    public static Dictionary<string, object?> Of(string id, string source, string type, string? subject, DateTime time)
    {
        var headers = new Dictionary<string, object?>
        {
            ["cloudEvents:specversion"] = "1.0",
            ["cloudEvents:id"] = id,
            ["cloudEvents:source"] = source,
            ["cloudEvents:type"] = type,
            ["cloudEvents:time"] = time.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture),
        };
        if (subject is not null)
            headers["cloudEvents:subject"] = subject;
        return headers;
    }
}
