using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Unicode;

namespace Insa.Iiot.AspNetCore.Http;

/// <summary>Any JSON value inside of a body. It is kept as text: numbers stay as they were written.</summary>
[JsonConverter(typeof(InlineJsonConverter))]
internal sealed class InlineJson
{
    // Readers take 64 levels by default, and the answer around it has some.
    private const int MaxDepth = 32;

    private InlineJson(ReadOnlyMemory<byte> utf8) => Utf8 = utf8;

    public ReadOnlyMemory<byte> Utf8 { get; }

    /// <returns><see langword="null"/> for what is no JSON, or not such that every reader takes it.</returns>
    public static InlineJson? TryRead(ReadOnlyMemory<byte> utf8)
    {
        if (!System.Text.Unicode.Utf8.IsValid(utf8.Span))
            return null;
        try
        {
            var reader = new Utf8JsonReader(utf8.Span, new JsonReaderOptions { MaxDepth = MaxDepth });
            while (reader.Read())
            {
                // Half of a surrogate pair is JSON by its grammar, and no text.
                if (reader.ValueIsEscaped)
                    reader.GetString();
            }

            return reader.TokenType == JsonTokenType.None ? null : new InlineJson(utf8);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
