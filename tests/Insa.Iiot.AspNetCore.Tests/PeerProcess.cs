using System.Diagnostics;

namespace Insa.Iiot.AspNetCore.Tests;

/// <summary>Programs of others that tests run; a missing one skips the test, or fails it where peers are required.</summary>
internal static class PeerProcess
{
    public const string Node = "/usr/bin/node";

    private const string Missing = "is missing: run eng/install-peers.sh, or eng/test.sh for everything.";

    /// <summary>The repository's root.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>A folder below tests/peers.</summary>
    public static string FolderOf(string peer) => Path.Combine(Root, "tests", "peers", peer);

    /// <summary>A Node package's folder below <see cref="FolderOf"/>.</summary>
    public static string PackagesOf(string peer, string package)
    {
        var packages = Path.Combine(FolderOf(peer), "node_modules");
        Require(File.Exists(Node), Node);
        Require(Directory.Exists(Path.Combine(packages, package)), package);
        return packages;
    }

    public static void Require(bool isThere, string what)
    {
        var isRequired = Environment.GetEnvironmentVariable("IIOT_REQUIRE_PEERS") == "1";
        Assert.SkipUnless(isThere || isRequired, $"{what} {Missing}");
        Assert.True(isThere, $"{what} {Missing}");
    }

    /// <summary>Runs a program to its end.</summary>
    /// <returns>Its exit code and what it said.</returns>
    public static async Task<(int Exit, string Output)> TryAsync(string folder, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // Neither a build server that outlives the test nor a call home.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0";
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        start.Environment["DOTNET_NOLOGO"] = "1";
        start.Environment["KIOTA_CLI_TELEMETRY_OPTOUT"] = "1";
        start.Environment["KIOTA_OFFLINE_ENABLED"] = "true";
        start.Environment["REDOCLY_TELEMETRY"] = "off";
        start.Environment["REDOCLY_SUPPRESS_UPDATE_NOTICE"] = "true";
        using var process = Process.Start(start)!;
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(patience.Token);
            var error = process.StandardError.ReadToEndAsync(patience.Token);
            await process.WaitForExitAsync(patience.Token);
            return (process.ExitCode, await output + await error);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }

    /// <summary>Runs a program that must succeed.</summary>
    public static async Task<string> RunAsync(string folder, string program, params string[] arguments)
    {
        var (exit, output) = await TryAsync(folder, program, arguments);
        Assert.True(exit == 0, $"{program} {string.Join(' ', arguments)}\n{output}");
        return output;
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (Directory.Exists(Path.Combine(folder.FullName, "tests", "peers")))
                return folder.FullName;
        }

        throw new DirectoryNotFoundException("tests/peers is not above the tests.");
    }
}
