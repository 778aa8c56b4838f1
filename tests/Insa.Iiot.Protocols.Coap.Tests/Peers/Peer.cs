using System.Diagnostics;

namespace Insa.Iiot.Protocols.Coap.Tests.Peers;

/// <summary>Runs the programs of others, which eng/install-peers.sh installs.</summary>
internal static class Peer
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Runs a program to its end.</summary>
    /// <returns>What it wrote, of both kinds, and its exit code.</returns>
    public static async Task<(string Output, int ExitCode)> RunAsync(string program, params string[] arguments)
    {
        Require(program);
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            process.Kill();
            Assert.Fail($"{program} did not end: {await output} {await errors}");
        }

        return (await output + await errors, process.ExitCode);
    }

    /// <summary>Skips the test where the program is missing; under CI that is a failure.</summary>
    public static void Require(string program)
    {
        var isThere = (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(':')
            .Any(folder => File.Exists(Path.Combine(folder, program)));
        if (!isThere)
            Miss(program);
    }

    /// <summary>Skips the test; under CI it fails.</summary>
    public static void Miss(string what)
    {
        var hint = $"{what} is missing: run eng/install-peers.sh.";
        Assert.False(Environment.GetEnvironmentVariable("IIOT_REQUIRE_PEERS") == "1", hint);
        Assert.Skip(hint);
    }
}
