using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Client;

internal sealed partial class MessageLayer
{
    /// <summary>Takes a datagram of the server.</summary>
    private void Receive(ReadOnlySpan<byte> datagram)
    {
        if (!CoapHeader.TryRead(datagram, out var header))
            return;
        var isWellFormed = CoapMessage.TryRead(datagram, header.Code, out var message);
        if (!isWellFormed)
            _transport.Refuse();
        lock (_lock)
        {
            if (_isDisposed)
                return;
            switch (header.Type)
            {
                // RFC 7252 §4.2: an acknowledgement or a reset that makes no sense is ignored.
                case CoapType.Acknowledgement when isWellFormed:
                    ReceiveAcknowledgement(header, message);
                    break;
                case CoapType.Reset when isWellFormed && header.Code.Value == 0:
                    ReceiveReset(header);
                    break;
                case CoapType.Confirmable or CoapType.NonConfirmable:
                    ReceiveMessage(header, message, isWellFormed);
                    break;
            }
        }
    }

    private void ReceiveAcknowledgement(CoapHeader header, in CoapMessage message)
    {
        if (!_sent.TryGetValue(header.MessageId, out var transmission) || !transmission.IsConfirmable)
            return;
        if (header.Code.Value == 0)
        {
            Settle(transmission);
            transmission.Sink.Accept();
            return;
        }

        // RFC 7252 §5.3.2: a piggybacked response matches by id and token.
        if (!header.Code.IsResponse || !transmission.Token.Equals(new CoapToken(message.Token)))
            return;
        Settle(transmission);
        Deliver(transmission.Sink, message, isPiggybacked: true);
    }

    private void ReceiveReset(CoapHeader header)
    {
        if (!_sent.TryGetValue(header.MessageId, out var transmission))
            return;
        Settle(transmission);
        transmission.Sink.Reject();
    }

    private void ReceiveMessage(CoapHeader header, in CoapMessage message, bool isWellFormed)
    {
        var isTaken = isWellFormed && header.Code.IsResponse && TryTake(header.MessageId, message);
        if (header.Type == CoapType.Confirmable)
            SendEmpty(isTaken ? CoapType.Acknowledgement : CoapType.Reset, header.MessageId);
        else if (!isTaken && isWellFormed && IsNotification(message))
            SendEmpty(CoapType.Reset, header.MessageId); // RFC 7641 §3.6: so the server forgets an observation that we have forgotten.
    }

    private bool TryTake(ushort messageId, in CoapMessage message)
    {
        var token = new CoapToken(message.Token);
        if (!_transport.IsReliable && _recent.Contains(messageId, token))
            return true;
        if (!_tokens.TryGetValue(token, out var open))
            return false;

        // RFC 7252 §5.3.2: a response stands for the acknowledgement, which may be lost or come later.
        if (open.Latest is { IsSent: true } transmission)
            Settle(transmission);

        // Over a connection nothing comes out of order: what comes is the newest there is.
        if (!Deliver(open.Sink, message, isPiggybacked: _transport.IsReliable))
            return false;
        if (!_transport.IsReliable)
            _recent.Add(messageId, token);
        return true;
    }

    private bool Deliver(IReplySink sink, in CoapMessage message, bool isPiggybacked)
    {
        if (ResponseReader.TryRead(message, _options.TimeProvider.GetTimestamp(), _transport.IsReliable, out var response))
        {
            sink.Reply(response, isPiggybacked);
            return true;
        }

        sink.Fail(new CoapException(CoapError.Malformed, $"The response {message.Code} holds a critical option that is unknown or wrong."));
        return false;
    }

    private void SendEmpty(CoapType type, ushort messageId)
    {
        Span<byte> datagram = stackalloc byte[CoapHeader.Length];
        new CoapHeader(type, default, messageId).Write(datagram, 0);
        _transport.Send(datagram);
    }

    private static bool IsNotification(in CoapMessage message)
    {
        var reader = new CoapOptionReader(message.Options);
        while (reader.Read())
        {
            if (reader.Number == CoapOptionNumber.Observe)
                return message.Code.IsResponse;
        }

        return false;
    }
}
