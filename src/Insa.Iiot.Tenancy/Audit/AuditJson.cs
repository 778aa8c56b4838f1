using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Insa.Iiot.Tenancy.Audit;

/// <summary>Records of the audit logs and lines of their exports, as JSON. Members that are missing or unknown are refused.</summary>
[JsonSerializable(typeof(AuditRecord))]
[JsonSerializable(typeof(AuditHeadRecord))]
[JsonSerializable(typeof(AuditNodeRecord))]
[JsonSerializable(typeof(AuditCheckpointRecord))]
[JsonSerializable(typeof(AuditKeyRecord))]
[JsonSerializable(typeof(AuditExportLine))]
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    IgnoreReadOnlyProperties = true
)]
internal sealed partial class AuditJson : JsonSerializerContext
{
    public static byte[] Write<T>(T body)
        where T : class => JsonSerializer.SerializeToUtf8Bytes(body, TypeOf<T>());

    /// <exception cref="TelemetryStoreException">The record is damaged.</exception>
    public static T Read<T>(ControlRecord record)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(record.Body.Span, TypeOf<T>()) ?? throw new JsonException("It is null.");
        }
        catch (JsonException e)
        {
            throw Damaged($"The record {record.Kind} {record.Id} is damaged.", e);
        }
    }

    /// <summary>Reads a line, which must be byte for byte as it is written: nothing unknown hides in it.</summary>
    public static AuditExportLine? TryReadLine(ReadOnlySpan<byte> line)
    {
        try
        {
            var read = JsonSerializer.Deserialize(line, Default.AuditExportLine);
            return read is not null && Write(read).AsSpan().SequenceEqual(line) ? read : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public static TelemetryStoreException Damaged(string message, Exception? innerException = null) =>
        new($"{message} Restore it from a backup.", isTransient: false, innerException);

    private static JsonTypeInfo<T> TypeOf<T>() => (JsonTypeInfo<T>)Default.GetTypeInfo(typeof(T))!;
}
