using System.Buffers.Binary;
using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Client;

/// <summary>A message of ours from the queue until nothing more can come for it. The message layer's lock guards it.</summary>
internal sealed class Transmission(byte[] datagram, IReplySink sink)
{
    /// <summary>Its place in the queue, until it is its turn.</summary>
    public LinkedListNode<Transmission>? Node { get; set; }

    public ReadOnlySpan<byte> Datagram => datagram;

    public IReplySink Sink => sink;

    public bool IsConfirmable { get; } = CoapHeader.TryRead(datagram, out var header) && header.Type == CoapType.Confirmable;

    /// <summary>Whether it is empty, and so asks whether the server is there.</summary>
    public bool IsPing => datagram[1] == 0;

    /// <summary>Whether it is sent and its sink done: for a message that nothing answers.</summary>
    public bool IsOneWay { get; init; }

    /// <summary>The token a response has to hold; none for an empty message.</summary>
    public CoapToken Token { get; init; }

    public ushort MessageId { get; private set; }

    public bool IsSent { get; set; }

    /// <summary>Whether it counts against NSTART.</summary>
    public bool HoldsSlot { get; set; }

    public int Retransmissions { get; set; }

    public TimeSpan Timeout { get; set; }

    public ITimer? Timer { get; set; }

    public void SetMessageId(ushort id)
    {
        MessageId = id;
        BinaryPrimitives.WriteUInt16BigEndian(datagram.AsSpan(2), id);
    }
}
