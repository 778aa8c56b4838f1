using System.Diagnostics.CodeAnalysis;

namespace Insa.Iiot.LoadTest.Copy;

/// <summary>What a measurement of writing is asked to do.</summary>
internal sealed record CopyOptions
{
    /// <summary>Points in one slice of a sustained run.</summary>
    public const int SlicePoints = 2_000_000;

    private static readonly string[] Sustaining = ["narrow", "sink", "sink2"];

    public int Points { get; private set; } = 2_000_000;

    public int Rounds { get; private set; } = 3;

    /// <summary>Points written to one table; 0 for single runs.</summary>
    public int Sustained { get; private set; }

    public bool Json { get; private set; }

    /// <summary>The server's settings, by name.</summary>
    public SortedDictionary<string, string> Settings { get; } = new(StringComparer.Ordinal) { ["shared_buffers"] = "1GB" };

    public IReadOnlyList<string> Cases { get; private set; } = [];

    public static bool TryParse(string[] args, [NotNullWhen(true)] out CopyOptions? options, [NotNullWhen(false)] out string? error)
    {
        var read = new CopyOptions();
        var asked = new Dictionary<string, string>(StringComparer.Ordinal);
        options = null;
        error = null;
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i] == "--json")
            {
                read.Json = true;
                continue;
            }

            var value = i + 1 < args.Length ? args[i + 1] : "";
            if (!read.TrySet(args[i], value, asked))
            {
                error = $"'{args[i]} {value}' is no option, or its value is out of range.";
                return false;
            }

            i++;
        }

        if (read.Cases.Count == 0)
            read.Cases = read.Sustained > 0 ? Sustaining : [.. CopyCase.All.Select(known => known.Name)];
        if (read.Sustained == 0)
            read.UseQuietServer();
        foreach (var (name, value) in asked)
            read.Settings[name] = value;
        options = read;
        return true;
    }

    /// <summary>The lines of postgresql.conf.</summary>
    public string[] ToConfiguration() => [.. Settings.Select(setting => $"{setting.Key} = '{setting.Value}'")];

    // Neither a checkpoint nor autovacuum falls into one run and not into another.
    private void UseQuietServer()
    {
        Settings["max_wal_size"] = "16GB";
        Settings["min_wal_size"] = "4GB";
        Settings["checkpoint_timeout"] = "30min";
        Settings["autovacuum"] = "off";
        Settings["jit"] = "off";
        Settings["work_mem"] = "64MB";
        Settings["maintenance_work_mem"] = "512MB";
        Settings["random_page_cost"] = "1.1";
    }

    private bool TrySet(string name, string value, Dictionary<string, string> asked)
    {
        switch (name)
        {
            case "--points":
                return LoadOptions.TryRead(value, 1000, 50_000_000, number => Points = number);
            case "--rounds":
                return LoadOptions.TryRead(value, 1, 100, number => Rounds = number);
            case "--sustained":
                return LoadOptions.TryRead(value, 2 * SlicePoints, 1_000_000_000, number => Sustained = number);
            case "--cases":
                Cases = value.Split(',');
                return Cases.All(wanted => CopyCase.All.Any(known => known.Name == wanted));
            case "--set":
                var parts = value.Split('=', 2);
                if (parts.Length != 2 || parts[0].Length == 0 || !parts[0].All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.'))
                    return false;
                if (parts[1].Any(c => c is '\'' or '\n' or '\\'))
                    return false;
                asked[parts[0]] = parts[1];
                return true;
            default:
                return false;
        }
    }
}
