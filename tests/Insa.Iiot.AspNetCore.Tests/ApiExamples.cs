using System.Text.Json.Nodes;

namespace Insa.Iiot.AspNetCore.Tests;

/// <summary>Makes requests from an OpenAPI document: bodies that are valid, with chosen values where an id is asked for.</summary>
internal sealed class ApiExamples(JsonNode document)
{
    private int _made;

    /// <summary>The names of all members of a request's body that name something by its id.</summary>
    public IReadOnlyList<string> IdsOf(JsonNode operation) =>
        SchemaOf(operation) is { } schema ? [.. Members(schema).Where(member => IsId(member.Key)).Select(member => member.Key)] : [];

    /// <summary>Makes a body.</summary>
    /// <returns><see langword="null"/> if the operation takes none.</returns>
    public JsonNode? BodyOf(JsonNode operation, Func<string, string?> idOf) =>
        SchemaOf(operation) is { } schema ? Make(schema, "", idOf) : null;

    public static bool IsId(string name) =>
        name.EndsWith("Id", StringComparison.Ordinal) || name.EndsWith("Ids", StringComparison.Ordinal) || name == "ids";

    private JsonNode? SchemaOf(JsonNode operation) =>
        operation["requestBody"]?["content"]?["application/json"]?["schema"] is { } schema ? Resolve(schema) : null;

    private JsonNode Resolve(JsonNode schema)
    {
        if ((string?)schema["$ref"] is not { } reference)
            return schema["oneOf"] is JsonArray options ? Resolve(options.First(option => (string?)option!["type"] != "null")!) : schema;
        return Resolve(reference.Split('/').Skip(1).Aggregate(document, (node, part) => node[part]!));
    }

    private static JsonObject Members(JsonNode schema) => schema["properties"] as JsonObject ?? [];

    private JsonNode? Make(JsonNode unresolved, string name, Func<string, string?> idOf)
    {
        var schema = Resolve(unresolved);
        if (IsId(name) && idOf(name) is { } id)
            return IsArray(schema) ? new JsonArray(id) : id;
        if (schema["properties"] is JsonObject)
        {
            var required = schema["required"] is JsonArray names ? names.Select(required => (string)required!).ToHashSet() : [];
            var body = new JsonObject();
            foreach (var (member, type) in Members(schema))
            {
                if (required.Contains(member) || (IsId(member) && idOf(member) is not null))
                    body[member] = Make(type!, member, idOf);
            }

            return body;
        }

        if (IsArray(schema))
            return new JsonArray(Make(schema["items"]!, name, idOf));
        return name switch
        {
            "email" => "bob@example.com",
            "password" or "currentPassword" or "newPassword" => ApiWorld.Password,
            "permissions" => "devices:read",
            "certificate" => new string('a', 64),
            "allowed" => "127.0.0.0/8",
            "state" => "enabled",
            "tier" => "raw",
            "keep" => "30d",
            "lifetime" => "1h",
            "serial" => "0a:bc",
            "id" => $"made-{_made++}",
            _ => Types(schema).Contains("string") ? $"example {_made++}"
            : Types(schema).Contains("boolean") ? true
            : 1,
        };
    }

    private static bool IsArray(JsonNode schema) => Types(schema).Contains("array");

    private static IEnumerable<string> Types(JsonNode schema) =>
        schema["type"] switch
        {
            JsonArray many => many.Select(type => (string)type!),
            { } one => [(string)one!],
            null => [],
        };
}
