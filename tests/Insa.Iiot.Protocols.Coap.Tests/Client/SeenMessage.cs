using System.Text;
using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Tests.Client;

/// <summary>A message of the client, taken apart.</summary>
internal sealed record SeenMessage(CoapHeader Header, byte[] Token, IReadOnlyList<CoapOption> Options, byte[] Payload)
{
    public CoapType Type => Header.Type;

    public CoapCode Code => Header.Code;

    public ushort Id => Header.MessageId;

    public string Text => Encoding.UTF8.GetString(Payload);

    public static SeenMessage Read(ReadOnlySpan<byte> datagram)
    {
        Assert.True(CoapHeader.TryRead(datagram, out var header));
        Assert.True(CoapMessage.TryRead(datagram, header.Code, out var message));
        List<CoapOption> options = [];
        var reader = new CoapOptionReader(message.Options);
        while (reader.Read())
            options.Add(new CoapOption(reader.Number, reader.Value.ToArray()));
        return new SeenMessage(header, message.Token.ToArray(), options, message.Payload.ToArray());
    }

    public bool Has(int number) => Options.Any(option => option.Number == number);

    public string[] Texts(int number) =>
        [.. Options.Where(option => option.Number == number).Select(option => Encoding.UTF8.GetString(option.Value.Span))];

    /// <returns>The option as a number, or <see langword="null"/> if there is none.</returns>
    public uint? UInt(int number)
    {
        var found = Options.Where(option => option.Number == number).ToList();
        return found.Count == 0 ? null : found.Single().Value.ToArray().Aggregate(0u, (value, b) => (value << 8) | b);
    }

    /// <returns>A block option as <c>number/more/size</c>, or <see langword="null"/> if there is none.</returns>
    public string? Block(int number) =>
        UInt(number) is { } value && CoapBlock.TryRead(value, out var block)
            ? $"{block.Number}/{(block.HasMore ? 1 : 0)}/{block.Size}"
            : null;
}
