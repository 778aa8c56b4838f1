namespace Insa.Iiot.Protocols.Coap;

/// <summary>An answer to a request: what a handler makes, and what a client gets.</summary>
public sealed class CoapResponse
{
    /// <summary>Makes an answer.</summary>
    public CoapResponse(CoapCode code) => Code = code;

    /// <summary>The code, of class 2, 4 or 5.</summary>
    public CoapCode Code { get; }

    /// <summary>The body; a server sends a large one in blocks.</summary>
    public ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>What the body is, a number of <see cref="CoapContentFormat"/>.</summary>
    public int? ContentFormat { get; init; }

    /// <summary>Tells representations apart, 1 to 8 bytes; empty if absent.</summary>
    public ReadOnlyMemory<byte> ETag { get; init; }

    /// <summary>How long it may be kept, or after how long to try again, in whole seconds; 60 s where absent.</summary>
    public TimeSpan? MaxAge { get; init; }

    /// <summary>The path of what was created, a segment each.</summary>
    public IReadOnlyList<string> LocationPath { get; init; } = [];

    /// <summary>The query of what was created, an argument each.</summary>
    public IReadOnlyList<string> LocationQuery { get; init; } = [];

    /// <summary>Called when the client has confirmed that it has all of the answer, which for that is sent as a message of its own; not if it is sent in parts.</summary>
    internal Func<CancellationToken, ValueTask>? Delivered { get; init; }

    /// <summary>Whether there is nothing in it that an observer has to be told.</summary>
    internal bool IsNoNews { get; init; }
}
