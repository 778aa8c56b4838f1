using Insa.Iiot.Protocols.Coap.Diagnostics;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Security;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Server;

internal sealed partial class CoapEndpoint
{
    private const int MaxTokensAtOnce = 256;
    private const int MaxDatagramsPerToken = 32;

    private readonly Dictionary<byte[], List<(PeerAddress Peer, bool IsVerified, byte[] Datagram)>> _waiting = new(
        Utf8BytesComparer.Instance
    );

    // A datagram waits for its token to be checked, and is then handled as if it came only now. What finds no place comes again.
    private void Authenticate(
        in PeerAddress peer,
        bool isVerified,
        CoapHeader header,
        in CoapMessage message,
        in RequestHead head,
        ReadOnlySpan<byte> bytes
    )
    {
        var token = head.Credential;
        var lookup = _waiting.GetAlternateLookup<ReadOnlySpan<byte>>();
        if (lookup.TryGetValue(token, out var waiting))
        {
            if (waiting.Count < MaxDatagramsPerToken)
                waiting.Add((peer, isVerified, Wait(peer, header, message, bytes)));
            else
                Overflow(peer, header, message, head);
            return;
        }

        if (_waiting.Count >= MaxTokensAtOnce)
        {
            Overflow(peer, header, message, head);
            return;
        }

        var copy = token.ToArray();
        _waiting.Add(copy, [(peer, isVerified, Wait(peer, header, message, bytes))]);
        _ = Task.Run(() => AuthenticateAsync(copy), CancellationToken.None);
    }

    private byte[] Wait(in PeerAddress peer, CoapHeader header, in CoapMessage message, ReadOnlySpan<byte> bytes)
    {
        if (peer.IsConnection)
        {
            _verdict = StreamVerdict.Waits;
            _connections!.Began(peer, IConnectionSender.MessageWeight);
        }

        return Detach(peer, header, message, bytes);
    }

    // Over a connection nothing is sent again by itself: it is told.
    private void Overflow(in PeerAddress peer, CoapHeader header, in CoapMessage message, in RequestHead head)
    {
        _metrics.Dropped("queue_full");
        if (peer.IsConnection)
            Answer(NewRequest(peer, header, message, head, _connections!.MaxMessageBytesOf(peer)), Busy);
    }

    // A token that still holds is checked beside the traffic: nobody waits for it.
    private void CheckAgain(ReadOnlySpan<byte> token)
    {
        if (_waiting.Count >= MaxTokensAtOnce || _waiting.GetAlternateLookup<ReadOnlySpan<byte>>().ContainsKey(token))
            return;
        var copy = token.ToArray();
        _waiting.Add(copy, []);
        _ = Task.Run(() => AuthenticateAsync(copy), CancellationToken.None);
    }

    private async Task AuthenticateAsync(byte[] token)
    {
        DeviceSession? session = null;
        var isKnown = true;
        try
        {
            if (TokenText.ToCredential(token) is { } credential)
                session = await _services.Authenticator.AuthenticateAsync(credential, _stopping).ConfigureAwait(false);
        }
        catch (TelemetryStoreException e)
        {
            _logger.AuthenticatorUnavailable(e);
            isKnown = false;
        }
        catch (OperationCanceledException)
        {
            isKnown = false;
        }
        catch (Exception e)
        {
            // Whatever it was, those who wait are told, and the next one is asked for anew.
            _logger.DatagramFailed(e);
            isKnown = false;
        }

        lock (_sync)
        {
            _waiting.Remove(token, out var waiting);
            if (isKnown)
                _tokens.Set(token, session?.Over("coap"), _now);
            foreach (var (peer, isVerified, datagram) in waiting!)
            {
                // Its connection may be over: nothing must be left behind for it.
                if (peer.IsConnection && _connections!.MaxMessageBytesOf(peer) == 0)
                    continue;
                if (isKnown)
                    Handle(peer, null, isVerified, datagram);
                else
                    AnswerBusy(peer, datagram);
                if (peer.IsConnection)
                    _connections!.Checked(peer, session is not null);
            }
        }
    }

    private void AnswerBusy(in PeerAddress peer, byte[] datagram)
    {
        if (
            !CoapHeader.TryRead(datagram, out var header)
            || !CoapMessage.TryRead(datagram, header.Code, out var message)
            || RequestHead.Read(message, peer.IsConnection, out var head) != default
        )
            return;
        Answer(NewRequest(peer, header, message, head, 3 * datagram.Length), Busy);
    }

    private static Request NewRequest(
        in PeerAddress peer,
        CoapHeader header,
        in CoapMessage message,
        in RequestHead head,
        int maxAnswerBytes
    ) =>
        new()
        {
            Address = peer,
            Header = header,
            Message = message,
            Head = head,
            MaxAnswerBytes = maxAnswerBytes,
        };
}
