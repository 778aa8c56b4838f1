using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Exchange;

/// <summary>A confirmable message of ours.</summary>
/// <param name="peer">Whom it is for.</param>
/// <param name="messageId">Its id.</param>
/// <param name="datagram">Its bytes.</param>
/// <param name="ended">Told once how it has ended.</param>
internal sealed class OutgoingMessage(PeerAddress peer, ushort messageId, byte[] datagram, Action<MessageOutcome>? ended)
{
    public PeerAddress Peer { get; } = peer;

    public ushort MessageId { get; } = messageId;

    public byte[] Datagram { get; } = datagram;

    public Action<MessageOutcome>? Ended { get; } = ended;

    public int Attempts { get; set; }

    public long DueAt { get; set; }

    public TimeSpan Timeout { get; set; }
}
