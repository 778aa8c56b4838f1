using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json.Serialization;

namespace Insa.Iiot.LoadTest;

/// <summary>What a load run is asked to do.</summary>
internal sealed record LoadOptions
{
    public int Connections { get; private set; } = 8;

    public int InFlight { get; private set; } = 64;

    public int Seconds { get; private set; } = 5;

    public int Rounds { get; private set; } = 3;

    public int Payload { get; private set; } = 100;

    public string Store { get; private set; } = "null";

    /// <summary>The database to write to, as Npgsql's keywords; without it a private server is started. May hold a password.</summary>
    [JsonIgnore]
    public string? Postgres { get; private set; }

    public bool CompareMosquitto { get; private set; }

    public bool Json { get; private set; }

    /// <summary>Messages a second of all connections together; 0 is as fast as they are acknowledged.</summary>
    public int Rate { get; private set; }

    /// <summary>Whether another tenant's few messages are timed while this load runs, and without it.</summary>
    public bool Flood { get; private set; }

    public static bool TryParse(string[] args, [NotNullWhen(true)] out LoadOptions? options, [NotNullWhen(false)] out string? error)
    {
        var read = new LoadOptions();
        options = null;
        error = null;
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i] is "--json" or "--flood")
            {
                read.Json |= args[i] == "--json";
                read.Flood |= args[i] == "--flood";
                continue;
            }

            var value = i + 1 < args.Length ? args[i + 1] : "";
            if (!read.TrySet(args[i], value))
            {
                error = $"'{args[i]}{(args[i] == "--postgres" ? "" : " " + value)}' is no option, or its value is out of range.";
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
            case "--qos":
                return value == "1";
            case "--store":
                Store = value;
                return value is "null" or "sqlite" or "postgres";
            case "--postgres":
                Postgres = value;
                return value.Length > 0;
            case "--compare":
                CompareMosquitto = true;
                return value == "mosquitto";
            case "--connections":
                return TryRead(value, 1, 10_000, number => Connections = number);
            case "--inflight":
                return TryRead(value, 1, 1024, number => InFlight = number);
            case "--seconds":
                return TryRead(value, 1, 3600, number => Seconds = number);
            case "--rounds":
                return TryRead(value, 1, 100, number => Rounds = number);
            case "--rate":
                return TryRead(value, 1, 10_000_000, number => Rate = number);
            case "--payload":
                return TryRead(value, 70, 4096, number => Payload = number);
            default:
                return false;
        }
    }

    internal static bool TryRead(string text, int least, int most, Action<int> set)
    {
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number < least || number > most)
            return false;
        set(number);
        return true;
    }
}
