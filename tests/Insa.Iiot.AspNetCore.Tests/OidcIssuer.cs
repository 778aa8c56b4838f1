using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Insa.Iiot.AspNetCore.Tests;

/// <summary>Another issuer (tests/peers/oidc) in a process of its own, which ends with it.</summary>
internal sealed class OidcIssuer : IAsyncDisposable
{
    private readonly HttpClient _http = new();
    private readonly Process _process;

    private OidcIssuer(Process process) => _process = process;

    /// <summary>Where it is.</summary>
    public string Address { get; private set; } = "";

    /// <summary>Starts one.</summary>
    /// <param name="name">The name it issues under; its address if missing.</param>
    public static async Task<OidcIssuer> StartAsync(string? name = null)
    {
        PeerProcess.PackagesOf("oidc", "oidc-provider");
        var process = Process.Start(
            new ProcessStartInfo(PeerProcess.Node, name is null ? ["issuer.mjs"] : ["issuer.mjs", name])
            {
                WorkingDirectory = PeerProcess.FolderOf("oidc"),
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }
        )!;
        process.BeginErrorReadLine();
        var issuer = new OidcIssuer(process);
        try
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            issuer.Address =
                await process.StandardOutput.ReadLineAsync(patience.Token) ?? throw new InvalidOperationException("No issuer.");
            return issuer;
        }
        catch
        {
            await issuer.DisposeAsync();
            throw;
        }
    }

    /// <summary>Lets it issue a token.</summary>
    /// <param name="user">Such as <c>verified:ann@example.com</c>: one of its clients.</param>
    public async Task<string> IssueAsync(string user, string audience)
    {
        using var form = new FormUrlEncodedContent(
            new Dictionary<string, string>
            {
                ["grant_type"] = "client_credentials",
                ["client_id"] = user,
                ["client_secret"] = "secret",
                ["resource"] = audience,
            }
        );
        using var answer = await _http.PostAsync(new Uri(Address + "/token"), form);
        return (string)JsonNode.Parse(await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync())!["access_token"]!;
    }

    public async Task StopAsync()
    {
        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _process.Dispose();
        _http.Dispose();
    }
}
