namespace Insa.Iiot.Protocols.Coap.Transport;

/// <summary>Sends datagrams. Thread-safe; never throws for the peer or the network: what is not sent is lost, as datagrams are.</summary>
internal interface IDatagramSender
{
    void Send(in PeerAddress peer, ReadOnlySpan<byte> datagram);

    /// <summary>Sends several, in their order.</summary>
    void Send(DatagramBatch batch)
    {
        for (var i = 0; i < batch.Count; i++)
            Send(batch.PeerOf(i), batch[i]);
    }
}
