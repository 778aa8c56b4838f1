using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Client;

/// <summary>A response message: what the caller gets of it, and what the client has to know.</summary>
internal sealed record ReceivedResponse
{
    private static readonly TimeSpan DefaultMaxAge = TimeSpan.FromSeconds(60);

    public required CoapResponse Response { get; init; }

    /// <summary>The 24-bit order of a notification; none if the response registers nothing.</summary>
    public uint? Observe { get; init; }

    public CoapBlock? Block1 { get; init; }

    public CoapBlock? Block2 { get; init; }

    public uint? Size2 { get; init; }

    public ReadOnlyMemory<byte> Echo { get; init; }

    /// <summary>When it came, in the ticks of the client's clock.</summary>
    public long ReceivedAt { get; init; }

    public CoapCode Code => Response.Code;

    public ReadOnlyMemory<byte> Payload => Response.Payload;

    public TimeSpan MaxAge => Response.MaxAge ?? DefaultMaxAge;

    /// <summary>Whether the server wants the request again, with the value that it gave (RFC 9175 §2.3).</summary>
    public bool AsksForEcho => Code == CoapCode.Unauthorized && !Echo.IsEmpty;

    /// <summary>Whether it is the newest state of an observed resource, with more to come (RFC 7641 §3.2).</summary>
    public bool IsNotification => Code.IsSuccess && Observe is not null;

    /// <summary>The response with the whole body in place of the first block.</summary>
    public CoapResponse WithBody(ReadOnlyMemory<byte> body) =>
        new(Code)
        {
            Payload = body,
            ContentFormat = Response.ContentFormat,
            ETag = Response.ETag,
            MaxAge = Response.MaxAge,
            LocationPath = Response.LocationPath,
            LocationQuery = Response.LocationQuery,
        };
}
