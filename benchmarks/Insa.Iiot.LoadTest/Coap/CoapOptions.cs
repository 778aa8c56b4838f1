using System.Diagnostics.CodeAnalysis;

namespace Insa.Iiot.LoadTest.Coap;

/// <summary>What a CoAP load run is asked to do.</summary>
internal sealed record CoapOptions
{
    /// <summary>Emulated devices, each with a socket of its own and, but by TCP and TLS, one exchange in flight (NSTART 1, RFC 7252 §4.7).</summary>
    public int Endpoints { get; private set; } = 256;

    public int Seconds { get; private set; } = 5;

    public int Rounds { get; private set; } = 3;

    /// <summary><c>udp</c>, with or without DTLS, <c>tcp</c> or <c>tls</c>.</summary>
    public string Transport { get; private set; } = "udp";

    public bool IsStream => Transport != "udp";

    /// <summary>Requests in flight per connection.</summary>
    public int InFlight { get; private set; } = 1;

    public bool IsConfirmable { get; private set; } = true;

    public string Store { get; private set; } = "null";

    public bool CompareLibcoap { get; private set; }

    /// <summary>Whether each device has a DTLS session, by pre-shared key.</summary>
    public bool IsSecure { get; private set; }

    public bool Json { get; private set; }

    public static bool TryParse(string[] args, [NotNullWhen(true)] out CoapOptions? options, [NotNullWhen(false)] out string? error)
    {
        var read = new CoapOptions();
        options = null;
        error = null;
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i] is "--con" or "--non" or "--json")
            {
                read.IsConfirmable = args[i] == "--json" ? read.IsConfirmable : args[i] == "--con";
                read.Json |= args[i] == "--json";
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

        if (read.IsStream ? read.IsSecure : read.InFlight > 1)
        {
            error = read.IsStream
                ? "'--security' is of UDP: over connections there is '--transport tls'."
                : "'--inflight' is of connections.";
            return false;
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
                return value is "null" or "sqlite";
            case "--transport":
                Transport = value;
                return value is "udp" or "tcp" or "tls";
            case "--inflight":
                return LoadOptions.TryRead(value, 1, 1024, number => InFlight = number);
            case "--security":
                IsSecure = value == "psk";
                return value is "none" or "psk";
            case "--compare":
                CompareLibcoap = true;
                return value == "libcoap";
            case "--endpoints":
                return LoadOptions.TryRead(value, 1, 10_000, number => Endpoints = number);
            case "--seconds":
                return LoadOptions.TryRead(value, 1, 3600, number => Seconds = number);
            case "--rounds":
                return LoadOptions.TryRead(value, 1, 100, number => Rounds = number);
            default:
                return false;
        }
    }
}
