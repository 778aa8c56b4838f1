using System.Buffers.Binary;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Oscore;

internal sealed partial class OscoreSession
{
    private byte[] _confirmable = [];
    private int _confirmableLength;
    private ushort _confirmableId;

    /// <summary>Protects what an endpoint sends.</summary>
    /// <param name="plain">The message.</param>
    /// <param name="buffer">Takes the protected one.</param>
    /// <param name="address">Where it goes.</param>
    /// <returns>How long it is; 0 if it cannot be sent.</returns>
    public int Send(ReadOnlySpan<byte> plain, Span<byte> buffer, out PeerAddress address)
    {
        lock (_lock)
        {
            address = _address;
            if (_isClosed || !CoapHeader.TryRead(plain, out var header) || !CoapMessage.TryRead(plain, header.Code, out var message))
                return 0;
            if (header.Code.Value == 0)
                return SendEmpty(header, buffer);
            return header.Type == CoapType.Acknowledgement
                ? Acknowledge(plain, header, message, buffer)
                : Tell(plain, header, message, buffer);
        }
    }

    // Acknowledgements and resets are of the layer below, and not protected (RFC 8613 §4).
    private int SendEmpty(CoapHeader header, Span<byte> buffer)
    {
        if (header.Type is CoapType.Acknowledgement or CoapType.Reset)
        {
            var place = _requests.Find(header.MessageId);
            if (place < 0)
                return 0;
            _requests[place].IsAcknowledged = true;
            header = header with { MessageId = _requests[place].MessageId };
        }

        header.Write(buffer, 0);
        return CoapHeader.Length;
    }

    private int Acknowledge(ReadOnlySpan<byte> plain, CoapHeader header, in CoapMessage message, Span<byte> buffer)
    {
        var place = _requests.Find(header.MessageId);
        if (place < 0)
            return 0;
        ref var request = ref _requests[place];
        var length = SealResponse(plain, header, message, request.PartialIv, request.MessageId, buffer);
        request.IsAnswered = true;
        _requests.Keep(place, buffer[..length]);
        KeepsAnswers = true;
        return length;
    }

    private int Tell(ReadOnlySpan<byte> plain, CoapHeader header, in CoapMessage message, Span<byte> buffer)
    {
        // One confirmable message is under way to a peer at a time, so the last one is the one that is sent again (RFC 7252 §4.7).
        if (header.Type == CoapType.Confirmable && _confirmableLength > 0 && _confirmableId == header.MessageId)
        {
            _confirmable.AsSpan(0, _confirmableLength).CopyTo(buffer);
            return _confirmableLength;
        }

        var token = new CoapToken(message.Token);
        var place = _requests.FindOpen(token);
        if (!_observations.TryFind(token, out var partialIv) && place < 0)
            return 0;
        if (place >= 0)
        {
            partialIv = _requests[place].PartialIv;
            _requests[place].IsAnswered = true;
        }

        var messageId = _settings.NextId(_address);
        var length = SealResponse(plain, header, message, partialIv, messageId, buffer);
        if (header.Type == CoapType.Confirmable)
            Hold(header.MessageId, buffer[..length]);
        return length;
    }

    private void Hold(ushort id, ReadOnlySpan<byte> datagram)
    {
        if (_confirmable.Length < datagram.Length)
            _confirmable = new byte[Math.Max(datagram.Length, 128)];
        datagram.CopyTo(_confirmable);
        (_confirmableId, _confirmableLength) = (id, datagram.Length);
    }

    private int SealResponse(
        ReadOnlySpan<byte> plain,
        CoapHeader header,
        in CoapMessage message,
        long requestPartialIv,
        ushort messageId,
        Span<byte> buffer
    )
    {
        var token = new CoapToken(message.Token);
        var length = Seal(plain, requestPartialIv, buffer);
        if (length > 0 && header.Code.IsSuccess && OscoreMessages.HasObserve(message.Options))
            _observations.Set(token, requestPartialIv, header.MessageId, messageId);
        else
            _observations.Remove(token);
        if (length == 0)
            length = SealSorry(header, message, requestPartialIv, buffer);
        if (length > 0)
            BinaryPrimitives.WriteUInt16BigEndian(buffer[2..], messageId);
        return length;
    }

    // What does not fit is not the device's fault: it is told so.
    private int SealSorry(CoapHeader header, in CoapMessage message, long requestPartialIv, Span<byte> buffer)
    {
        Span<byte> plain = stackalloc byte[UdpSocket.MaxDatagramBytes / 2];
        var writer = new CoapMessageWriter(plain);
        writer.WriteHeader(header with { Code = CoapCode.InternalServerError }, message.Token);
        return writer.IsTruncated ? 0 : Seal(writer.Written, requestPartialIv, buffer);
    }
}
