using System.Text.Json.Serialization;

namespace Insa.Iiot.AspNetCore.Idempotency;

[JsonSerializable(typeof(IdempotencyRecord))]
[JsonSerializable(typeof(IdempotencyAnswer))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class IdempotencyJson : JsonSerializerContext;
