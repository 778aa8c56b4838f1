using Insa.Iiot.Protocols.Coap.Diagnostics;
using Insa.Iiot.Protocols.Coap.Exchange;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Observe;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Server;

/// <remarks>
/// An answer whose handler wants to know that it has arrived is confirmable, whatever the request was (RFC 7252 §5.2.2, §5.2.3): an ACK with an answer in
/// it is confirmed by nobody. Over a connection a Ping with Custody follows it (RFC 8323 §5.4.1).
/// </remarks>
internal sealed partial class CoapEndpoint
{
    // Whoever has the first part of a body does not have the body.
    private static Func<CancellationToken, ValueTask>? ConfirmationOf(CoapResponse response, CoapBlock? part, int maxPartBytes) =>
        part is not { Number: > 0 } && response.Payload.Length <= ResponseWriter.WholeSizeOf(part, maxPartBytes)
            ? response.Delivered
            : null;

    private void SendForConfirmation(
        in PeerAddress peer,
        ushort messageId,
        ReadOnlySpan<byte> datagram,
        Func<CancellationToken, ValueTask>? delivered,
        Observer? observer
    )
    {
        Action<MessageOutcome> ended = outcome => OnConfirmed(outcome, delivered, observer);
        if (!peer.IsConnection)
        {
            SendConfirmable(peer, messageId, datagram, ended);
            return;
        }

        _sender.Send(peer, datagram);
        if (!_connections!.TryConfirm(peer, ended))
            ended(MessageOutcome.Dropped);
    }

    // Under the lock. The next notification waits until it is noted, or it would tell the same again.
    private void OnConfirmed(MessageOutcome outcome, Func<CancellationToken, ValueTask>? delivered, Observer? observer)
    {
        if (delivered is null || outcome != MessageOutcome.Acknowledged)
            OnEnded(observer, outcome);
        else
            _ = Task.Run(() => NoteAsync(delivered, observer), CancellationToken.None);
    }

    private async Task NoteAsync(Func<CancellationToken, ValueTask> delivered, Observer? observer)
    {
        try
        {
            await delivered(_stopping).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            if (!_stopping.IsCancellationRequested)
                _logger.DeliveryFailed(e);
        }

        lock (_sync)
            OnEnded(observer, MessageOutcome.Acknowledged);
    }
}
