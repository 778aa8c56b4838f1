using System.Diagnostics.CodeAnalysis;

namespace Insa.Iiot.LoadTest.Amqp;

/// <summary>What a measurement of handing telemetry over by a broker is asked to do.</summary>
internal sealed record SinkOptions
{
    /// <summary>Devices over all tenants, each with one frame that is not acknowledged yet.</summary>
    public int Devices { get; private set; } = 1000;

    /// <summary>Points of a frame.</summary>
    public int Points { get; private set; } = 10;

    public int Tenants { get; private set; } = 4;

    public int Partitions { get; private set; } = 1;

    public int Seconds { get; private set; } = 10;

    public int Rounds { get; private set; } = 3;

    /// <summary>Points a second in all; <see langword="null"/> for as fast as they go.</summary>
    public int? Rate { get; private set; }

    /// <summary>Whether devices are told when the store has their frames.</summary>
    public bool EndToEnd { get; private set; }

    public string Store { get; private set; } = "null";

    public static bool TryParse(string[] args, [NotNullWhen(true)] out SinkOptions? options, [NotNullWhen(false)] out string? error)
    {
        var read = new SinkOptions();
        options = null;
        error = null;
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i] == "--end-to-end")
            {
                read.EndToEnd = true;
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
                return LoadOptions.TryRead(value, 1, 100_000, number => Devices = number);
            case "--points":
                return LoadOptions.TryRead(value, 1, 1000, number => Points = number);
            case "--tenants":
                return LoadOptions.TryRead(value, 1, 1000, number => Tenants = number);
            case "--partitions":
                return LoadOptions.TryRead(value, 1, 64, number => Partitions = number);
            case "--seconds":
                return LoadOptions.TryRead(value, 1, 3600, number => Seconds = number);
            case "--rounds":
                return LoadOptions.TryRead(value, 1, 100, number => Rounds = number);
            case "--rate":
                return LoadOptions.TryRead(value, 1, 100_000_000, number => Rate = number);
            case "--store":
                Store = value;
                return value is "null" or "postgres";
            default:
                return false;
        }
    }
}
