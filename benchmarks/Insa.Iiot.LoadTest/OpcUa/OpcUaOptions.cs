using System.Diagnostics.CodeAnalysis;
using Insa.Iiot.Protocols.OpcUa.Security;

namespace Insa.Iiot.LoadTest.OpcUa;

/// <summary>What an OPC UA load run is asked to do.</summary>
internal sealed record OpcUaOptions
{
    /// <summary><c>read</c>: one value per request; <c>batch</c>: many; <c>subscribe</c>: notifications of changing values.</summary>
    public string Mode { get; private set; } = "read";

    public string PolicyName => Policy.Name;

    /// <summary>What secures the channel; anything but None signs and encrypts.</summary>
    internal SecurityPolicy Policy { get; private set; } = SecurityPolicy.None;

    /// <summary>Connections, each with a channel and a session.</summary>
    public int Connections { get; private set; } = 4;

    /// <summary>Requests in flight per connection.</summary>
    public int InFlight { get; private set; } = 1;

    /// <summary>Values per request of <c>batch</c>.</summary>
    public int Values { get; private set; } = 1000;

    /// <summary>Monitored items of <c>subscribe</c>, in one subscription per connection.</summary>
    public int Items { get; private set; } = 5000;

    /// <summary>How often a second each item's value changes.</summary>
    public int Rate { get; private set; } = 10;

    /// <summary>Idle sessions, and idle monitored items, that are weighed at the end; 0 weighs none.</summary>
    public int IdleSessions { get; private set; } = 100;

    public int IdleItems { get; private set; } = 20_000;

    public int Seconds { get; private set; } = 5;

    public int Rounds { get; private set; } = 3;

    public bool CompareNodeOpcUa { get; private set; }

    public bool Json { get; private set; }

    public static bool TryParse(string[] args, [NotNullWhen(true)] out OpcUaOptions? options, [NotNullWhen(false)] out string? error)
    {
        var read = new OpcUaOptions();
        options = null;
        error = null;
        if (args is not ["read" or "batch" or "subscribe", ..])
        {
            error = "Say what to load: 'opcua read', 'opcua batch' or 'opcua subscribe'.";
            return false;
        }

        read.Mode = args[0];
        if (read.Mode == "subscribe")
            read.Connections = 1;
        for (var i = 1; i < args.Length; i++)
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
            case "--policy":
                return SecurityPolicy.TryFind(
                        System.Text.Encoding.ASCII.GetBytes("http://opcfoundation.org/UA/SecurityPolicy#" + value),
                        out var policy
                    ) && (Policy = policy) is not null;
            case "--compare":
                CompareNodeOpcUa = true;
                return value == "node-opcua";
            case "--connections":
                return LoadOptions.TryRead(value, 1, 50, number => Connections = number);
            case "--inflight":
                return LoadOptions.TryRead(value, 1, 256, number => InFlight = number);
            case "--values":
                return LoadOptions.TryRead(value, 1, 1000, number => Values = number);
            case "--items":
                return LoadOptions.TryRead(value, 1, OpcUaPlant.Variables, number => Items = number);
            case "--rate":
                return LoadOptions.TryRead(value, 1, 100, number => Rate = number);
            case "--idle-sessions":
                return LoadOptions.TryRead(value, 0, 1000, number => IdleSessions = number);
            case "--idle-items":
                return LoadOptions.TryRead(value, 0, 1_000_000, number => IdleItems = number);
            case "--seconds":
                return LoadOptions.TryRead(value, 1, 3600, number => Seconds = number);
            case "--rounds":
                return LoadOptions.TryRead(value, 1, 100, number => Rounds = number);
            default:
                return false;
        }
    }
}
