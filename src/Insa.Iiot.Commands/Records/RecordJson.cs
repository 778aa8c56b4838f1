using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Insa.Iiot.Commands.Records;

/// <summary>The records' bodies as JSON.</summary>
[JsonSerializable(typeof(CommandRecord))]
[JsonSerializable(typeof(QueueRecord))]
[JsonSerializable(typeof(NewsRecord))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
internal sealed partial class RecordJson : JsonSerializerContext
{
    public static byte[] Write<T>(T body)
        where T : class => JsonSerializer.SerializeToUtf8Bytes(body, TypeOf<T>());

    public static T Read<T>(ControlRecord record)
        where T : class =>
        JsonSerializer.Deserialize(record.Body.Span, TypeOf<T>())
        ?? throw new InvalidOperationException($"The record {record.Kind} {record.Id} is empty.");

    private static JsonTypeInfo<T> TypeOf<T>() => (JsonTypeInfo<T>)Default.GetTypeInfo(typeof(T))!;
}
