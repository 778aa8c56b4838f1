using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Exchange;

/// <summary>A peer that has shown a credential.</summary>
internal sealed class Peer(PeerAddress address)
{
    public PeerAddress Address { get; } = address;

    public RecentMessages Messages { get; } = new();

    /// <summary>When it was last heard of, in units of <see cref="RecentMessages"/>.</summary>
    public int LastHeard { get; set; }

    public int Observers { get; set; }

    /// <summary>Whether it has shown that it receives what is sent to its address.</summary>
    public bool IsVerified { get; set; }
}
