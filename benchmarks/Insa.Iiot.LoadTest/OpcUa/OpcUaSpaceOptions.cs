using System.Diagnostics.CodeAnalysis;

namespace Insa.Iiot.LoadTest.OpcUa;

/// <summary>What a start of the OPC UA server with a large tenant is asked to have.</summary>
internal sealed record OpcUaSpaceOptions
{
    /// <summary>Devices of the tenant.</summary>
    public int Devices { get; private set; } = 10_000;

    /// <summary>Metrics of each, all with a value.</summary>
    public int Metrics { get; private set; } = 10;

    /// <summary>Where they are: <c>sqlite</c>, or <c>postgres</c>, a private server.</summary>
    public string Store { get; private set; } = "sqlite";

    /// <summary>Starts that count, after one that does not.</summary>
    public int Rounds { get; private set; } = 5;

    public bool Json { get; private set; }

    public static bool TryParse(string[] args, [NotNullWhen(true)] out OpcUaSpaceOptions? options, [NotNullWhen(false)] out string? error)
    {
        var read = new OpcUaSpaceOptions();
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

    private bool TrySet(string name, string value)
    {
        switch (name)
        {
            case "--devices":
                return LoadOptions.TryRead(value, 1, 1_000_000, number => Devices = number);
            case "--metrics":
                return LoadOptions.TryRead(value, 1, 1000, number => Metrics = number);
            case "--store":
                Store = value;
                return value is "sqlite" or "postgres";
            case "--rounds":
                return LoadOptions.TryRead(value, 1, 100, number => Rounds = number);
            default:
                return false;
        }
    }
}
