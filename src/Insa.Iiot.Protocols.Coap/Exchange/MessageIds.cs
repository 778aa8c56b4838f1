using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Exchange;

/// <summary>Numbers the server's own messages, so that none is used twice to a peer within its lifetime: a fixed number of counters, shared by peers of a hash.</summary>
internal sealed class MessageIds
{
    private const int Counters = 4096;

    private readonly ushort[] _next = new ushort[Counters];

    public MessageIds() =>
        System.Security.Cryptography.RandomNumberGenerator.Fill(System.Runtime.InteropServices.MemoryMarshal.AsBytes(_next.AsSpan()));

    public ushort Next(in PeerAddress peer) => _next[peer.GetHashCode() & (Counters - 1)]++;
}
