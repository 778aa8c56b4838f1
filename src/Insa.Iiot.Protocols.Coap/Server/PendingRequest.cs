using Insa.Iiot.Protocols.Coap.Blockwise;
using Insa.Iiot.Protocols.Coap.Exchange;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Server;

/// <summary>A request that a handler is at work on.</summary>
internal sealed class PendingRequest
{
    public required CoapEndpoint Endpoint { get; init; }

    public required CoapResource Resource { get; init; }

    public required CoapHandler Handler { get; init; }

    public required CoapContext Context { get; init; }

    public required PeerAddress Address { get; init; }

    public required CoapType Type { get; init; }

    public required ushort MessageId { get; init; }

    public required CoapToken Token { get; init; }

    public required int MaxAnswerBytes { get; init; }

    public required long Since { get; init; }

    /// <summary>Who it is from; <see langword="null"/> if nobody that is known.</summary>
    public Peer? Peer { get; init; }

    public int Observe { get; init; }

    public byte NoResponse { get; init; }

    public CoapBlock? Block1 { get; init; }

    public CoapBlock? Block2 { get; init; }

    /// <summary>What tells its body from others; <see langword="null"/> if its body is not kept.</summary>
    public BodyKey? BodyKey { get; init; }

    /// <summary>The most bytes of a body that are sent in one message.</summary>
    public int MaxPartBytes => ResponseWriter.MaxPartBytesOf(Address, MaxAnswerBytes, Token.Length);

    /// <summary>Whether a duplicate must not be handled again.</summary>
    public bool IsNoted { get; init; }

    /// <summary>Whether it was acknowledged apart from its answer.</summary>
    public bool IsAcknowledged { get; set; }

    /// <summary>Whether its address may be forged.</summary>
    public bool IsUnverified { get; init; }

    /// <summary>The observer that its sender has become with it; <see langword="null"/> if none.</summary>
    public Observe.Observer? Observer { get; set; }

    /// <summary>The observer whom the answer is a notification for; <see langword="null"/> of a request.</summary>
    public Observe.Observer? Notifies { get; init; }
}
