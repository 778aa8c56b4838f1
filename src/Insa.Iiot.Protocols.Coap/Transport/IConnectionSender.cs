using Insa.Iiot.Protocols.Coap.Exchange;

namespace Insa.Iiot.Protocols.Coap.Transport;

/// <summary>
/// Sends over connections, one to a peer: what is written leaves in order, or the connection ends. A batch holds one answer for each request that
/// has <see cref="Began"/> with <see cref="MessageWeight"/>, an empty one if the client wants none.
/// </summary>
internal interface IConnectionSender : IDatagramSender
{
    /// <summary>What a message that waits for its commit counts for.</summary>
    public const int MessageWeight = 1;

    /// <summary>What a request that a handler is at work on counts for, as its answer may be large.</summary>
    public const int RequestWeight = 64;

    /// <summary>The longest message that a peer takes, as a datagram; 0 if its connection is over.</summary>
    int MaxMessageBytesOf(in PeerAddress peer);

    /// <summary>Whether a peer has said that it takes several blocks in one message (RFC 8323 §6).</summary>
    bool TakesSeveralBlocks(in PeerAddress peer);

    /// <summary>A request is at work: what a peer has at work at once is bounded.</summary>
    void Began(in PeerAddress peer, int weight);

    /// <summary>It is done, and what was to be sent for it is written.</summary>
    void Ended(in PeerAddress peer, int weight);

    /// <summary>The credential that a peer's message waits for was checked: the message may come again.</summary>
    /// <param name="peer">The connection.</param>
    /// <param name="isDone">Whether it is known whose it is, if anybody's; <see langword="false"/> if it could not be checked.</param>
    void Checked(in PeerAddress peer, bool isDone);

    /// <summary>Asks a peer to confirm all that was sent to it so far, by a Ping with Custody (RFC 8323 §5.4).</summary>
    /// <param name="peer">The connection.</param>
    /// <param name="ended">Told once, under the endpoint's lock, how it has ended.</param>
    /// <returns><see langword="false"/> if the connection is over, or is asked too much already.</returns>
    bool TryConfirm(in PeerAddress peer, Action<MessageOutcome> ended);

    /// <summary>Whether what was sent has not all left; then the endpoint is told when it has, see <see cref="Server.CoapEndpoint.Drained"/>.</summary>
    bool AwaitsRoom(in PeerAddress peer);
}
