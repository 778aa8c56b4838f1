using Insa.Iiot.Protocols.Coap.Exchange;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Server;

/// <summary>A request where it was received, and who sent it.</summary>
internal readonly ref struct Request
{
    public required PeerAddress Address { get; init; }

    public required CoapHeader Header { get; init; }

    public required CoapMessage Message { get; init; }

    public required RequestHead Head { get; init; }

    /// <summary>The credential's session, if one was shown.</summary>
    public DeviceSession? Session { get; init; }

    /// <summary>The peer, if <see cref="Session"/> is there.</summary>
    public Peer? Peer { get; init; }

    /// <summary>The most bytes an answer may have: three times the request's to an address that may be forged (RFC 9175 §2.3).</summary>
    public required int MaxAnswerBytes { get; init; }

    /// <summary>Whether its address may be forged.</summary>
    public bool IsUnverified { get; init; }

    public bool IsConfirmable => Header.Type == CoapType.Confirmable;

    /// <summary>Whether the client does not want a response of this class (RFC 7967 §2.1).</summary>
    public bool Suppresses(CoapCode code) => IsSuppressed(Head.NoResponse, code);

    public static bool IsSuppressed(byte noResponse, CoapCode code) => (noResponse & (1 << (code.Class - 1))) != 0;
}
