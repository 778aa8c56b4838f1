using System.Text.Json.Serialization;

namespace Insa.Iiot.AspNetCore.Authentication;

[JsonSerializable(typeof(SigningKeyRecord))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class SigningKeyJson : JsonSerializerContext;
