namespace Insa.Iiot.Protocols.Coap.Server;

/// <summary>A short answer: a code and a few options.</summary>
internal readonly ref struct Reply(CoapCode code)
{
    public CoapCode Code { get; } = code;

    /// <summary>When to try again; zero if it is not said.</summary>
    public TimeSpan MaxAge { get; init; }

    /// <summary>The Block1 option's value; <see langword="null"/> if there is none.</summary>
    public uint? Block1 { get; init; }

    /// <summary>The largest body there may be; 0 if it is not said.</summary>
    public int Size1 { get; init; }

    /// <summary>An Echo value to send the request again with.</summary>
    public ReadOnlySpan<byte> Echo { get; init; }

    /// <summary>What is wrong, for people (RFC 7252 §5.5.2).</summary>
    public ReadOnlySpan<byte> Diagnostic { get; init; }

    /// <summary>Whether it is told as problem details (RFC 9290), which the client has said it accepts.</summary>
    public bool IsProblem { get; init; }
}
