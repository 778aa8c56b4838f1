using Insa.Iiot.Tenancy;

namespace Insa.Iiot.SampleHost.Audit;

/// <summary><c>verify-audit EXPORT LOG [--kept FILE] [--key ID]</c>: verifies an export of an audit log, without a store.</summary>
internal static class AuditCommand
{
    public const string Name = "verify-audit";

    private const string Usage = """
        verify-audit EXPORT LOG [--kept FILE] [--key ID]...
          EXPORT  what GET /api/v1/audit/export gave
          LOG     the tenant whose log it is to be, or 'platform'
          --kept  a file with a checkpoint that was kept elsewhere: the log must have grown from it
          --key   the id of a key that is known from elsewhere (GET /api/v1/audit/keys)
        Without --kept or --key there is nothing to trust.
        """;

    /// <returns>The exit code: 0 if the log holds, 1 if not, 2 if it was asked for wrongly.</returns>
    public static async Task<int> RunAsync(string[] arguments)
    {
        var (files, keys) = (new List<string>(), new List<string>());
        string? kept = null;
        for (var i = 0; i < arguments.Length; i++)
        {
            switch (arguments[i])
            {
                case "--kept" when i + 1 < arguments.Length:
                    kept = arguments[++i];
                    break;
                case "--key" when i + 1 < arguments.Length:
                    keys.Add(arguments[++i]);
                    break;
                default:
                    files.Add(arguments[i]);
                    break;
            }
        }

        if (files.Count != 2 || (kept is null && keys.Count == 0))
            return await FailAsync(Usage);
        if (!TryReadLog(files[1], out var log))
            return await FailAsync($"'{files[1]}' is no tenant.");
        try
        {
            AuditCheckpoint? checkpoint = null;

            // Editors and shells add a line end of their own.
            if (kept is not null && !AuditCheckpoint.TryParse((await File.ReadAllTextAsync(kept)).TrimEnd() + "\n", out checkpoint))
                return await FailAsync($"{kept} is no checkpoint.");
            await using var export = File.OpenRead(files[0]);
            return await TellAsync(await AuditVerifier.VerifyAsync(export, log, keys, checkpoint));
        }
        catch (IOException e)
        {
            return await FailAsync(e.Message);
        }
    }

    private static async Task<int> TellAsync(AuditVerification found)
    {
        if (found.Problem == AuditProblem.None)
        {
            await Console.Out.WriteLineAsync($"The log holds: {found.Size} entries, of {found.Redacted} something was erased.");
            return 0;
        }

        var place = found.Sequence is { } sequence ? $" at entry {sequence}" : "";
        await Console.Out.WriteLineAsync($"The log does not hold{place}: {found.Message}");
        return 1;
    }

    private static bool TryReadLog(string text, out ControlScope log)
    {
        log = ControlScope.Platform;
        if (text == "platform")
            return true;
        if (!TenantId.TryParse(text, out var tenant))
            return false;
        log = ControlScope.Of(tenant);
        return true;
    }

    private static async Task<int> FailAsync(string message)
    {
        await Console.Error.WriteLineAsync(message);
        return 2;
    }
}
