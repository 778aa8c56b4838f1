using Insa.Iiot.Protocols.Coap.Blockwise;
using Insa.Iiot.Protocols.Coap.Exchange;
using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Observe;

/// <summary>Someone who is told of a resource's changes (RFC 7641).</summary>
internal sealed class Observer(Peer peer, CoapToken token, CoapResource resource, DeviceSession session)
{
    private const uint SequenceMask = 0xFF_FFFF;
    private const uint HalfSequence = 1 << 23;

    private bool _isNumbered;

    public Peer Peer { get; } = peer;

    public CoapToken Token { get; } = token;

    public CoapResource Resource { get; } = resource;

    public DeviceSession Session { get; } = session;

    /// <summary>The device that it is told of: its own, or one that it is the gateway of.</summary>
    public DeviceId Subject { get; init; } = session.Device;

    /// <summary>The next observer of the same resource and device.</summary>
    public Observer? Next { get; set; }

    public Observer? Previous { get; set; }

    /// <summary>The next observer of the same peer.</summary>
    public Observer? NextOfPeer { get; set; }

    public IReadOnlyList<string> Queries { get; init; } = [];

    public int? Accept { get; init; }

    /// <summary>What the first answer was; <see langword="null"/> if it did not say.</summary>
    public int? ContentFormat { get; set; }

    public CoapBlock? Block2 { get; init; }

    public BodyKey BodyKey { get; init; }

    /// <summary>The number of the last notification: 24 bits that only grow (RFC 7641 §4.4).</summary>
    public uint Sequence { get; private set; }

    /// <summary>How many notifications went unconfirmed since one was confirmed.</summary>
    public int Unconfirmed { get; set; }

    public long ConfirmedAt { get; set; }

    /// <summary>Whether its answer is being made, or waits to be acknowledged.</summary>
    public bool IsBusy { get; set; }

    /// <summary>Whether the resource has changed while it was busy.</summary>
    public bool IsBehind { get; set; }

    /// <summary>Whether it is busy until what was sent over its connection has left.</summary>
    public bool AwaitsRoom { get; set; }

    public bool IsGone { get; set; }

    /// <summary>The id of the last notification, which a RST names.</summary>
    public ushort? LastMessageId { get; set; }

    /// <summary>Takes the next number: of a clock, so that those of a registration's successor are newer, and one more where that stands still (RFC 7641 §4.4).</summary>
    /// <param name="clock">A clock that ticks a few hundred times a second at most.</param>
    public uint NextSequence(long clock)
    {
        var byClock = (uint)clock & SequenceMask;
        var isNewer = ((byClock - Sequence) & SequenceMask) is > 0 and < HalfSequence;
        var next = isNewer || !_isNumbered ? byClock : (Sequence + 1) & SequenceMask;
        _isNumbered = true;
        return Sequence = next;
    }

    /// <summary>Goes on with the numbers of the registration that it takes the place of.</summary>
    public void Follow(Observer former) => (Sequence, _isNumbered) = (former.Sequence, true);
}
