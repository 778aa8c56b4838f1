using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Exchange;

/// <summary>The peers that were heard of in the last 247 s, up to a limit, of which no device takes more than its share. Not thread-safe.</summary>
internal sealed class PeerTable(int capacity)
{
    private const int Shares = 16;

    private readonly Dictionary<PeerAddress, Peer> _peers = [];
    private readonly Dictionary<(TenantId, DeviceId), int> _counts = [];
    private readonly List<PeerAddress> _silent = [];
    private int _sweptAt;

    public int Count { get; private set; }

    /// <summary>Finds the peer of a secured session, which is of one device.</summary>
    public bool TryFind(in PeerAddress address, [NotNullWhen(true)] out Peer? peer) => _peers.TryGetValue(address, out peer);

    /// <param name="address">Its address.</param>
    /// <param name="session">Who speaks.</param>
    /// <param name="now">The time.</param>
    /// <param name="isVerified">Of a new peer: whether what is sent to its address is known to reach it.</param>
    /// <returns><see langword="null"/> if there is no room for another peer.</returns>
    public Peer? Touch(in PeerAddress address, DeviceSession session, int now, bool isVerified)
    {
        _peers.TryGetValue(address, out var first);
        for (var peer = first; peer is not null; peer = peer.Sibling)
        {
            if (!peer.Is(session))
                continue;
            peer.LastHeard = now;
            return peer;
        }

        if (!HasRoom(session))
            Sweep(now);
        if (!HasRoom(session))
            return null;
        _peers.TryGetValue(address, out first);
        var added = new Peer(address, session.Tenant, session.Device)
        {
            LastHeard = now,
            IsVerified = isVerified,
            Sibling = first,
        };
        _peers[address] = added;
        CollectionsMarshal.GetValueRefOrAddDefault(_counts, (session.Tenant, session.Device), out _)++;
        Count++;
        return added;
    }

    /// <summary>Forgets all at an address.</summary>
    public void Remove(in PeerAddress address)
    {
        if (!_peers.Remove(address, out var peer))
            return;
        for (; peer is not null; peer = peer.Sibling)
            Forget(peer);
    }

    /// <summary>Forgets who was silent for longer than a message lives, and does not observe. At most once per unit of time.</summary>
    public void Sweep(int now)
    {
        if (_sweptAt == now)
            return;
        _sweptAt = now;
        foreach (var (address, peer) in _peers)
        {
            peer.Messages.Trim(now);
            if (IsSilent(peer, now) || peer.Sibling is not null)
                _silent.Add(address);
        }

        foreach (var address in _silent)
            Sweep(address, now);
        _silent.Clear();
    }

    private static bool IsSilent(Peer peer, int now) => now - peer.LastHeard > RecentMessages.LifetimeUnits && peer.FirstObserver is null;

    private void Sweep(in PeerAddress address, int now)
    {
        Peer? kept = null;
        for (var peer = _peers[address]; peer is not null; )
        {
            var next = peer.Sibling;
            if (IsSilent(peer, now))
                Forget(peer);
            else
                (peer.Sibling, kept) = (kept, peer);
            peer = next;
        }

        if (kept is null)
            _peers.Remove(address);
        else
            _peers[address] = kept;
    }

    private bool HasRoom(DeviceSession session) =>
        Count < capacity && _counts.GetValueOrDefault((session.Tenant, session.Device)) < Math.Max(capacity / Shares, 1);

    private void Forget(Peer peer)
    {
        peer.IsGone = true;
        Count--;
        ref var count = ref CollectionsMarshal.GetValueRefOrNullRef(_counts, (peer.Tenant, peer.Device));
        if (--count == 0)
            _counts.Remove((peer.Tenant, peer.Device));
    }
}
