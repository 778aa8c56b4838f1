using System.Diagnostics.CodeAnalysis;

namespace Insa.Iiot.LoadTest.Amqp;

/// <summary>What a run of the consumer is asked to do.</summary>
internal sealed record ConsumeOptions
{
    private const int MessagesPerSecond = 20_000;

    public int Messages { get; private set; } = 100_000;

    public int Prefetch { get; private set; } = 1000;

    public int Queues { get; private set; } = 1;

    public int Payload { get; private set; } = 100;

    public int Rounds { get; private set; } = 3;

    public bool IsClassic { get; private set; }

    /// <summary>Whether the messages are published while they are consumed, rather than before.</summary>
    public bool IsLive { get; private set; }

    public string Store { get; private set; } = "null";

    public bool ComparesBare { get; private set; }

    public bool Json { get; private set; }

    public static bool TryParse(string[] args, [NotNullWhen(true)] out ConsumeOptions? options, [NotNullWhen(false)] out string? error)
    {
        var read = new ConsumeOptions();
        (options, error) = (null, null);
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i] is "--json" or "--classic" or "--live")
            {
                read.IsLive |= args[i] == "--live";
                read.Json |= args[i] == "--json";
                read.IsClassic |= args[i] == "--classic";
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
            case "--store":
                Store = value;
                return value is "null" or "sqlite" or "postgres";
            case "--compare":
                ComparesBare = true;
                return value == "bare";
            case "--messages":
                return LoadOptions.TryRead(value, 1, 10_000_000, number => Messages = number);
            case "--seconds":
                return LoadOptions.TryRead(value, 1, 500, number => Messages = number * MessagesPerSecond);
            case "--prefetch":
                return LoadOptions.TryRead(value, 1, ushort.MaxValue, number => Prefetch = number);
            case "--queues":
                return LoadOptions.TryRead(value, 1, 64, number => Queues = number);
            case "--rounds":
                return LoadOptions.TryRead(value, 1, 100, number => Rounds = number);
            case "--payload":
                return LoadOptions.TryRead(value, 70, 4096, number => Payload = number);
            default:
                return false;
        }
    }
}
