using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Insa.Iiot.AspNetCore.Http;

internal sealed class InlineJsonConverter : JsonConverter<InlineJson>
{
    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public override InlineJson Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        // Read by the options, which may refuse what is there twice.
        var element = JsonSerializer.Deserialize<JsonElement>(ref reader, options);
        if (InlineJson.TryRead(JsonMarshal.GetRawUtf8Value(element).ToArray()) is null)
            throw new JsonException();
        var compact = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(compact, Compact))
            element.WriteTo(writer);
        return InlineJson.TryRead(compact.WrittenMemory)!;
    }

    public override void Write(Utf8JsonWriter writer, InlineJson value, JsonSerializerOptions options) =>
        writer.WriteRawValue(value.Utf8.Span, skipInputValidation: true);
}
