using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Tests;

/// <summary>A message that was sent, taken apart.</summary>
internal sealed class Sent
{
    private readonly List<(int Number, byte[] Value)> _options = [];

    public Sent((PeerAddress Peer, byte[] Datagram) sent)
    {
        (Peer, Datagram) = sent;
        Assert.True(CoapHeader.TryRead(Datagram, out var header));
        Assert.True(CoapMessage.TryRead(Datagram, header.Code, out var message));
        Header = header;
        Token = message.Token.ToArray();
        Payload = message.Payload.ToArray();
        var reader = new CoapOptionReader(message.Options);
        while (reader.Read())
            _options.Add((reader.Number, reader.Value.ToArray()));
    }

    public PeerAddress Peer { get; }

    public byte[] Datagram { get; }

    public CoapHeader Header { get; }

    public CoapType Type => Header.Type;

    public CoapCode Code => Header.Code;

    public ushort Id => Header.MessageId;

    public byte[] Token { get; }

    public byte[] Payload { get; }

    public string Text => System.Text.Encoding.UTF8.GetString(Payload);

    public IEnumerable<byte[]> All(int number) => _options.Where(option => option.Number == number).Select(option => option.Value);

    public byte[]? Option(int number) => All(number).FirstOrDefault();

    public uint? UInt(int number) => Option(number)?.Aggregate(0u, (value, b) => (value << 8) | b);

    public CoapBlock Block(int number)
    {
        Assert.True(CoapBlock.TryRead(UInt(number)!.Value, out var block));
        return block;
    }
}
