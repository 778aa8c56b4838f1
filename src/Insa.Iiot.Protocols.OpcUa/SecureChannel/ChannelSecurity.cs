using Insa.Iiot.Protocols.OpcUa.Security;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.SecureChannel;

/// <summary>What is known of a secure channel above it. Stays the same for the channel's life; two channels never share one. It is the channel to sessions.</summary>
internal sealed class ChannelSecurity(uint id, SecurityPolicy policy, MessageSecurityMode mode, byte[] clientCertificate, Caller caller)
{
    private int _sessions;

    /// <summary>That of no channel.</summary>
    public static ChannelSecurity Nothing { get; } = new(0, SecurityPolicy.None, MessageSecurityMode.None, [], new Caller("", ""));

    public uint Id { get; } = id;

    public SecurityPolicy Policy { get; } = policy;

    public MessageSecurityMode Mode { get; } = mode;

    /// <summary>The client application's certificate (DER), without its issuers; empty if the policy is None.</summary>
    public byte[] ClientCertificate { get; } = clientCertificate;

    /// <summary>The address by which the client has connected.</summary>
    public string EndpointUrl { get; } = caller.EndpointUrl;

    /// <summary>Where the client is: its address without the port.</summary>
    public string Address { get; } = caller.Address;

    /// <summary>Whether a session is bound to it; a channel that has none is the first to go when there are too many.</summary>
    public bool HasSession => Volatile.Read(ref _sessions) > 0;

    /// <summary>Whether somebody has signed in by it. Stays so.</summary>
    public bool IsSignedIn { get; set; }

    /// <summary>The largest response that the client has said it takes when it made its session, in bytes; 0 if it did not say.</summary>
    public uint MaxResponseBytes { get; set; }

    /// <summary>The client's nonce of the last session that was asked for here. None is used twice.</summary>
    public byte[] LastSessionNonce { get; set; } = [];

    public void AddSession() => Interlocked.Increment(ref _sessions);

    public void RemoveSession() => Interlocked.Decrement(ref _sessions);
}
