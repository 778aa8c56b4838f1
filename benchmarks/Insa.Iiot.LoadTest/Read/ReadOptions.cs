using System.Diagnostics.CodeAnalysis;

namespace Insa.Iiot.LoadTest.Read;

/// <summary>What a measurement of reading is asked to do.</summary>
internal sealed record ReadOptions
{
    /// <summary>Points written a second while the queries run; 0 for none.</summary>
    public int Rate { get; private set; } = 100_000;

    /// <summary>How often each query is asked.</summary>
    public int Rounds { get; private set; } = 30;

    /// <summary>The share of the data, in percent: less for a look whether it all works.</summary>
    public int Percent { get; private set; } = 100;

    public bool Json { get; private set; }

    public static bool TryParse(string[] args, [NotNullWhen(true)] out ReadOptions? options, [NotNullWhen(false)] out string? error)
    {
        var read = new ReadOptions();
        (options, error) = (null, null);
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i] == "--json")
            {
                read.Json = true;
                continue;
            }

            var value = i + 1 < args.Length ? args[i + 1] : "";
            if (!read.TrySet(args[i], value))
            {
                error = $"'{args[i]} {value}' is no option, or its value is out of range.";
                return false;
            }

            i++;
        }

        options = read;
        return true;
    }

    private bool TrySet(string name, string value) =>
        name switch
        {
            "--rate" => LoadOptions.TryRead(value, 0, 10_000_000, number => Rate = number),
            "--rounds" => LoadOptions.TryRead(value, 1, 10_000, number => Rounds = number),
            "--percent" => LoadOptions.TryRead(value, 1, 100, number => Percent = number),
            _ => false,
        };
}
