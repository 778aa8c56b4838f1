using System.Text.Json.Nodes;

namespace Insa.Iiot.AspNetCore.Tests;

public sealed class OpenApiTests : IAsyncLifetime
{
    private ApiWorld _world = null!;

    public async ValueTask InitializeAsync() => _world = await ApiWorld.MakeAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task The_document_is_of_OpenApi_3_1_and_says_who_may_call_what()
    {
        var document = await ReadAsync();
        Assert.StartsWith("3.1.", (string)document["openapi"]!, StringComparison.Ordinal);
        var operations = Operations(document).ToList();
        Assert.True(operations.Count >= 70, $"{operations.Count} operations");
        Assert.All(operations, operation => Assert.NotNull(operation.Body["operationId"]));
        Assert.All(operations, operation => Assert.NotNull(operation.Body["summary"]));
        Assert.Equal(operations.Count, operations.Select(operation => (string)operation.Body["operationId"]!).Distinct().Count());

        var create = document["paths"]!["/api/v1/roles"]!["post"]!;
        Assert.Equal("roles:admin", (string)create["x-permissions"]![0]!);
        Assert.NotNull(create["security"]![0]!["bearer"]);
        Assert.Empty(document["paths"]!["/api/v1/auth/login"]!["post"]!["security"]!.AsArray());
    }

    [Fact]
    public async Task Every_reference_leads_somewhere()
    {
        var document = await ReadAsync();
        Assert.All(
            References(document),
            reference =>
            {
                JsonNode? node = document;
                foreach (var part in reference.Split('/').Skip(1))
                    node = node?[part];
                Assert.True(node is not null, reference);
            }
        );
    }

    [Fact]
    public async Task There_is_a_page_to_try_it()
    {
        var page = await _world.GetAsync("/scalar", null);
        Assert.Equal(200, page.Status);
        Assert.Contains("openapi/", page.Text, StringComparison.Ordinal);
    }

    internal static IEnumerable<(string Path, string Method, JsonNode Body)> Operations(JsonNode document) =>
        document["paths"]!
            .AsObject()
            .SelectMany(path =>
                path.Value!.AsObject()
                    .Where(verb => verb.Key != "parameters")
                    .Select(verb => (path.Key, verb.Key.ToUpperInvariant(), verb.Value!))
            );

    private async Task<JsonNode> ReadAsync()
    {
        var answer = await _world.GetAsync("/openapi/v1.json", null);
        Assert.Equal(200, answer.Status);
        return answer.Json;
    }

    private static IEnumerable<string> References(JsonNode? node) =>
        node switch
        {
            JsonObject o => o.SelectMany(member =>
                member.Key == "$ref" && member.Value is JsonValue value ? [(string)value!] : References(member.Value)
            ),
            JsonArray a => a.SelectMany(References),
            _ => [],
        };
}
