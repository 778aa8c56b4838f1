using Insa.Iiot.Protocols.Coap.Observe;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Exchange;

/// <summary>A device that speaks from an address, or by a secured session. Several at one address are several peers: none is to be answered for another.</summary>
internal sealed class Peer(PeerAddress address, TenantId tenant, DeviceId device)
{
    public PeerAddress Address { get; } = address;

    public TenantId Tenant { get; } = tenant;

    public DeviceId Device { get; } = device;

    private RecentMessages _messages = new(isKept: !address.IsConnection);

    public ref RecentMessages Messages => ref _messages;

    /// <summary>The next peer at the same address.</summary>
    public Peer? Sibling { get; set; }

    /// <summary>When it was last heard of, in units of <see cref="RecentMessages"/>.</summary>
    public int LastHeard { get; set; }

    /// <summary>The first of its observers; <see langword="null"/> if there is none.</summary>
    public Observer? FirstObserver { get; set; }

    /// <summary>How many observers it has.</summary>
    public int ObserverCount { get; set; }

    /// <summary>How many of its requests handlers are at work on.</summary>
    public int RequestsAtWork { get; set; }

    /// <summary>How many bytes its bodies take that are not whole yet.</summary>
    public int UploadBytes { get; set; }

    /// <summary>Whether it has shown that it receives what is sent to its address.</summary>
    public bool IsVerified { get; set; }

    /// <summary>Whether its session has ended.</summary>
    public bool IsGone { get; set; }

    public bool Is(DeviceSession session) => Device == session.Device && Tenant == session.Tenant;
}
