using System.Diagnostics.CodeAnalysis;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Exchange;

/// <summary>The peers that were heard of in the last 247 s, up to a limit. Not thread-safe.</summary>
internal sealed class PeerTable(int capacity)
{
    private readonly Dictionary<PeerAddress, Peer> _peers = [];
    private int _sweptAt;

    public int Count => _peers.Count;

    public bool TryFind(in PeerAddress address, [NotNullWhen(true)] out Peer? peer) => _peers.TryGetValue(address, out peer);

    /// <param name="address">Its address.</param>
    /// <param name="now">The time.</param>
    /// <param name="isVerified">Of a new peer: whether what is sent to its address is known to reach it.</param>
    /// <returns><see langword="null"/> if there is no room for another peer.</returns>
    public Peer? Touch(in PeerAddress address, int now, bool isVerified)
    {
        if (_peers.TryGetValue(address, out var peer))
        {
            if (now - peer.LastHeard > RecentMessages.LifetimeUnits)
                peer.Messages.Clear();
            peer.LastHeard = now;
            return peer;
        }

        if (_peers.Count >= capacity)
            Sweep(now);
        if (_peers.Count >= capacity)
            return null;
        peer = new Peer(address) { LastHeard = now, IsVerified = isVerified };
        _peers.Add(address, peer);
        return peer;
    }

    public void Remove(in PeerAddress address) => _peers.Remove(address);

    /// <summary>Forgets who was silent for longer than a message lives, and does not observe. At most once per unit of time.</summary>
    public void Sweep(int now)
    {
        if (_sweptAt == now)
            return;
        _sweptAt = now;
        foreach (var (address, peer) in _peers)
        {
            if (now - peer.LastHeard > RecentMessages.LifetimeUnits && peer.Observers == 0)
                _peers.Remove(address);
        }
    }
}
