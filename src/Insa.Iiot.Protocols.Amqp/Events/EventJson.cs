using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Insa.Iiot.Protocols.Amqp.Events;

/// <summary>The records' bodies as JSON.</summary>
[JsonSerializable(typeof(OutboxRecord))]
[JsonSerializable(typeof(EventRecord))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class EventJson : JsonSerializerContext
{
    public static byte[] Write<T>(T body)
        where T : class => JsonSerializer.SerializeToUtf8Bytes(body, TypeOf<T>());

    public static T Read<T>(ControlRecord record)
        where T : class =>
        JsonSerializer.Deserialize(record.Body.Span, TypeOf<T>())
        ?? throw new InvalidOperationException($"The record {record.Kind} {record.Id} is empty.");

    private static JsonTypeInfo<T> TypeOf<T>() => (JsonTypeInfo<T>)Default.GetTypeInfo(typeof(T))!;
}
