using System.Diagnostics;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Insa.Iiot.Protocols.OpcUa.Tests.Pki;

namespace Insa.Iiot.Protocols.OpcUa.Tests;

/// <summary>A host, and the client of node-opcua with a certificate of its own.</summary>
internal sealed class PeerWorld : IAsyncDisposable
{
    private const string PeerUri = "urn:test:peer";

    private readonly string _folder = Directory.CreateTempSubdirectory("opcua-peer").FullName;

    private PeerWorld(OpcUaHost host) => Host = host;

    public OpcUaHost Host { get; }

    public static async Task<PeerWorld> StartAsync(
        Action<OpcUaServerOptions>? configure = null,
        bool trusts = true,
        Action<IiotBuilder>? add = null
    )
    {
        var world = new PeerWorld(await OpcUaHost.StartAsync(configure, add: add));
        using var certificate = TestAuthority.SelfSigned("CN=Peer", uri: PeerUri);
        world.Write("client", certificate);
        world.Write("device", OpcUaHost.DeviceCertificate);
        if (trusts)
            world.Host.Trust(certificate);
        return world;
    }

    /// <summary>Runs the client.</summary>
    /// <param name="action">What it does: a function of its scripts.</param>
    /// <param name="policy">The policy.</param>
    /// <param name="mode">The mode.</param>
    /// <param name="token">How it signs in.</param>
    /// <param name="password">Another password than the right one.</param>
    /// <param name="milliseconds">How long, where that matters.</param>
    /// <param name="renewal">After how many milliseconds it renews its token.</param>
    /// <param name="user">Another user than the device.</param>
    /// <param name="more">What the action needs besides.</param>
    /// <param name="waits">Whether the action connects itself.</param>
    /// <param name="does">Does what the action asks for.</param>
    public async Task<JsonElement> RunAsync(
        string action,
        string policy,
        string mode,
        string token,
        string? password = null,
        int milliseconds = 0,
        int renewal = 0,
        string? user = null,
        object? more = null,
        bool waits = false,
        Func<string, Task>? does = null,
        string script = "client.mjs"
    )
    {
        var order = JsonSerializer.Serialize(
            new
            {
                action,
                policy,
                mode,
                url = Host.Url,
                folder = _folder,
                applicationUri = PeerUri,
                certificate = Path.Combine(_folder, "client.pem"),
                key = Path.Combine(_folder, "client.key"),
                milliseconds,
                renewal,
                more,
                waits,
                retries = waits ? 20 : (int?)null,
                token = new
                {
                    kind = token,
                    user = user ?? OpcUaHost.Device,
                    password = password ?? OpcUaHost.Password,
                    certificate = Path.Combine(_folder, "device.der"),
                    key = Path.Combine(_folder, "device.key"),
                },
            }
        );
        using var process = Process.Start(
            new ProcessStartInfo("node", [script, order])
            {
                WorkingDirectory = PeerFolder(),
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }
        )!;
        var error = process.StandardError.ReadToEndAsync();
        var result = await ConverseAsync(process, does).WaitAsync(TimeSpan.FromMinutes(2));
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(2));
        Assert.True(result is not null, await error);
        return JsonDocument.Parse(result!).RootElement;
    }

    /// <summary>The folder of what runs with node-opcua.</summary>
    public static string PeerFolder()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var peers = Path.Combine(folder.FullName, "tests", "peers", "opcua");
            if (Directory.Exists(Path.Combine(peers, "node_modules", "node-opcua")))
                return peers;
        }

        throw new InvalidOperationException("The peer is not installed: run eng/install-peers.sh.");
    }

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    // What it asks for is done in its order; its result comes last.
    private static async Task<string?> ConverseAsync(Process process, Func<string, Task>? does)
    {
        string? result = null;
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.StartsWith('{'))
                result = line;
            if (!line.StartsWith("? ", StringComparison.Ordinal))
                continue;
            await does!(line[2..]);
            await process.StandardInput.WriteLineAsync("done");
        }

        return result;
    }

    private void Write(string name, X509Certificate2 certificate)
    {
        File.WriteAllText(Path.Combine(_folder, name + ".pem"), certificate.ExportCertificatePem());
        File.WriteAllBytes(Path.Combine(_folder, name + ".der"), certificate.RawData);
        File.WriteAllText(Path.Combine(_folder, name + ".key"), certificate.GetRSAPrivateKey()!.ExportPkcs8PrivateKeyPem());
    }
}
