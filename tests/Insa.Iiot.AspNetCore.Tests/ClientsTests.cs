using System.Text.Json.Nodes;

namespace Insa.Iiot.AspNetCore.Tests;

/// <summary>The OpenAPI document in the hands of others' validators and generators; what these make is used against the host.</summary>
[Trait("Category", "Peer")]
public sealed class ClientsTests : IAsyncLifetime
{
    private const string Document = "v1.json";

    private readonly string _folder = Directory.CreateTempSubdirectory("iiot-client-").FullName;
    private ApiWorld _world = null!;

    public async ValueTask InitializeAsync()
    {
        _world = await ApiWorld.MakeAsync();
        var document = await _world.GetAsync("/openapi/v1.json", null);
        await File.WriteAllBytesAsync(Path.Combine(_folder, Document), document.Body);
    }

    public async ValueTask DisposeAsync()
    {
        await _world.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task The_document_holds_to_the_schema_and_the_rules_of_OpenApi()
    {
        var packages = PeerProcess.PackagesOf("openapi", "@redocly/cli");
        await PeerProcess.RunAsync(_folder, PeerProcess.Node, $"{packages}/.bin/validate-api", Document);
        await PeerProcess.RunAsync(_folder, PeerProcess.Node, $"{packages}/.bin/redocly", "lint", "--extends=spec", Document);
    }

    [Fact]
    public async Task A_wrong_document_is_noticed()
    {
        var packages = PeerProcess.PackagesOf("openapi", "@redocly/cli");
        var path = Path.Combine(_folder, Document);
        var document = JsonNode.Parse(await File.ReadAllTextAsync(path))!;
        document["paths"]!["/api/v1/roles"]!["get"]!["responses"]!["200"]!.AsObject().Remove("description");
        await File.WriteAllTextAsync(path, document.ToJsonString());
        Assert.NotEqual(0, (await PeerProcess.TryAsync(_folder, PeerProcess.Node, $"{packages}/.bin/validate-api", Document)).Exit);
        Assert.NotEqual(
            0,
            (await PeerProcess.TryAsync(_folder, PeerProcess.Node, $"{packages}/.bin/redocly", "lint", "--extends=spec", Document)).Exit
        );
    }

    [Fact]
    public async Task A_client_in_TypeScript_is_generated_compiles_strictly_and_works()
    {
        var packages = PeerProcess.PackagesOf("openapi", "openapi-typescript");
        Directory.CreateSymbolicLink(Path.Combine(_folder, "node_modules"), packages);
        Copy("openapi", "package.json", "tsconfig.json", "client.ts");
        await PeerProcess.RunAsync(_folder, PeerProcess.Node, $"{packages}/.bin/openapi-typescript", Document, "-o", "api.d.ts");
        await PeerProcess.RunAsync(_folder, PeerProcess.Node, $"{packages}/.bin/tsc");
        await UseAsync(PeerProcess.Node, "built/client.js");
    }

    [Fact]
    public async Task A_client_in_CSharp_is_generated_compiles_without_a_warning_and_works()
    {
        // A tool manifest counts for the folder that it is in.
        var (exit, _) = await PeerProcess.TryAsync(PeerProcess.Root, "dotnet", "kiota", "--version");
        PeerProcess.Require(exit == 0, "Kiota");
        Copy("kiota", "Client.csproj", "Program.cs");
        await PeerProcess.RunAsync(
            PeerProcess.Root,
            "dotnet",
            [
                "kiota",
                "generate",
                "-l",
                "CSharp",
                "-d",
                Path.Combine(_folder, Document),
                "-o",
                Path.Combine(_folder, "Generated"),
                "-n",
                "Insa.Iiot.Client",
                "-c",
                "IiotClient",
                "--exclude-backward-compatible",
            ]
        );
        await PeerProcess.RunAsync(_folder, "dotnet", "build", "-o", "built", "-p:UseSharedCompilation=false", "-p:RunAnalyzers=false");
        await UseAsync("dotnet", "built/Client.dll");
    }

    private void Copy(string peer, params string[] files)
    {
        foreach (var file in files)
            File.Copy(Path.Combine(PeerProcess.FolderOf(peer), file), Path.Combine(_folder, file));
    }

    /// <summary>Runs a client, which checks the answers; the host is asked whether it was there.</summary>
    private async Task UseAsync(string program, string client)
    {
        var url = _world.Http.BaseAddress!.ToString().TrimEnd('/');
        var output = await PeerProcess.RunAsync(_folder, program, client, url, _world.Ann.Email, ApiWorld.Password, "press");
        Assert.Equal("done", output.Trim());
        var device = await _world.GetAsync("/api/v1/devices/press", _world.Ann.Token);
        Assert.Equal("Press 2", (string)device.Json["name"]!);
    }
}
