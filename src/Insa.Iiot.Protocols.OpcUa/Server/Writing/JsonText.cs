using System.Text.Json;

namespace Insa.Iiot.Protocols.OpcUa.Server.Writing;

/// <summary>Whether text is one JSON value.</summary>
internal static class JsonText
{
    public static bool IsValid(ReadOnlySpan<byte> utf8)
    {
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = TelemetryLimits.MaxDepth });
        try
        {
            while (reader.Read()) { }
            return reader.BytesConsumed == utf8.Length && reader.TokenType != JsonTokenType.None;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
