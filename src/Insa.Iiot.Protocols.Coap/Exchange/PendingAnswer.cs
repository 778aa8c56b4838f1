using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Exchange;

/// <summary>A message of telemetry whose commit is under way, and how to answer it.</summary>
internal readonly struct PendingAnswer(
    Peer peer,
    CoapType type,
    ushort messageId,
    CoapToken token,
    byte noResponse,
    CoapBlock? block1,
    IngestReceipt receipt,
    long since
)
{
    public Peer Peer { get; } = peer;

    public CoapType Type { get; } = type;

    public ushort MessageId { get; } = messageId;

    public CoapToken Token { get; } = token;

    /// <summary>The classes of response that the device does not want (RFC 7967 §2.1).</summary>
    public byte NoResponse { get; } = noResponse;

    /// <summary>The last block of the body, if it came in blocks.</summary>
    public CoapBlock? Block1 { get; } = block1;

    public IngestReceipt Receipt { get; } = receipt;

    /// <summary>When it came, by <see cref="TimeProvider.GetTimestamp"/>.</summary>
    public long Since { get; } = since;
}
