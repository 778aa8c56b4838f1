using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Client;

/// <summary>One message of a request: its head, and the options and the part of the body that differ from message to message.</summary>
internal sealed record RequestMessage(RequestHead Head)
{
    public uint? Observe { get; init; }

    public CoapBlock? Block1 { get; init; }

    public CoapBlock? Block2 { get; init; }

    public uint? Size1 { get; init; }

    public uint? RequestTag { get; init; }

    public ReadOnlyMemory<byte> Echo { get; init; }

    public ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>Unlike the head's, none for a block that is not the last: 2.31 is always of interest.</summary>
    public CoapNoResponse NoResponse { get; init; }

    /// <summary>Encodes it with an id of 0, which is filled in when it is sent.</summary>
    /// <param name="token">The token.</param>
    /// <param name="maxMessageBytes">The longest message that the server takes.</param>
    /// <exception cref="CoapException">It does not fit.</exception>
    public byte[] Encode(CoapToken token, int maxMessageBytes)
    {
        Span<byte> tokenBytes = stackalloc byte[CoapToken.MaxShortLength];
        // The options alone are to fit into a datagram, whatever carries the message.
        var room = Math.Min(maxMessageBytes, UdpSocket.MaxDatagramBytes + Payload.Length);
        var writer = new CoapMessageWriter(room <= UdpSocket.MaxDatagramBytes ? stackalloc byte[room] : new byte[room]);
        var type = Head.IsConfirmable ? CoapType.Confirmable : CoapType.NonConfirmable;
        writer.WriteHeader(new CoapHeader(type, Head.Method, 0), token.AsSpan(tokenBytes));
        WriteOptions(ref writer);
        writer.WritePayload(Payload.Span);
        if (writer.IsTruncated)
            throw new CoapException(CoapError.TooLarge, $"The options do not fit into a message of {room} bytes.");
        return writer.Written.ToArray();
    }

    // Both the head's options and ours are in order: they are merged.
    private void WriteOptions(ref CoapMessageWriter writer)
    {
        var next = 0;
        WriteOwn(ref writer, ref next, CoapOptionNumber.Observe, Observe);
        WriteOwn(ref writer, ref next, CoapOptionNumber.Block2, Block2?.Value);
        WriteOwn(ref writer, ref next, CoapOptionNumber.Block1, Block1?.Value);
        WriteOwn(ref writer, ref next, CoapOptionNumber.Size1, Size1);
        if (!Echo.IsEmpty)
        {
            WriteHeadUpTo(ref writer, ref next, CoapOptionNumber.Echo);
            writer.WriteOption(CoapOptionNumber.Echo, Echo.Span);
        }

        WriteOwn(ref writer, ref next, CoapOptionNumber.NoResponse, NoResponse == CoapNoResponse.None ? null : (uint)NoResponse);
        WriteOwn(ref writer, ref next, CoapOptionNumber.RequestTag, RequestTag);
        WriteHeadUpTo(ref writer, ref next, ushort.MaxValue);
    }

    private void WriteOwn(ref CoapMessageWriter writer, ref int next, int number, uint? value)
    {
        if (value is not { } number32)
            return;
        WriteHeadUpTo(ref writer, ref next, number);
        writer.WriteOption(number, number32);
    }

    private void WriteHeadUpTo(ref CoapMessageWriter writer, ref int next, int number)
    {
        for (; next < Head.Options.Count && Head.Options[next].Number <= number; next++)
            writer.WriteOption(Head.Options[next].Number, Head.Options[next].Value.Span);
    }
}
