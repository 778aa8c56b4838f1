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
    private int _waitingConnections;

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
        if (_isUncheckable)
        {
            Answer(NewRequest(peer, header, message, head, MaxAnswerBytesTo(peer, isVerified, bytes.Length)), Busy);
            return;
        }

        var lookup = _waiting.GetAlternateLookup<ReadOnlySpan<byte>>();
        var isNew = !lookup.TryGetValue(token, out var waiting);
        if (
            isNew && _waiting.Count >= MaxTokensAtOnce
            || peer.IsConnection && _waitingConnections >= _options.MaxConnections
            || !peer.IsConnection && waiting?.Count >= MaxDatagramsPerToken
        )
        {
            Overflow(peer, header, message, head);
            return;
        }

        waiting ??= [];
        if (peer.IsConnection)
        {
            // Its message stays where it is, see Waits.
            _verdict = StreamVerdict.Waits;
            _waitingConnections++;
            waiting.Add((peer, isVerified, []));
        }
        else
        {
            waiting.Add((peer, isVerified, bytes.ToArray()));
        }

        if (!isNew)
            return;
        var copy = token.ToArray();
        _waiting.Add(copy, waiting);
        _ = Task.Run(() => AuthenticateAsync(copy), CancellationToken.None);
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
                if (peer.IsConnection)
                {
                    _waitingConnections--;
                    _connections!.Checked(peer, isKnown);
                }
                else if (isKnown)
                {
                    Handle(peer, null, isVerified, datagram);
                }
                else
                {
                    AnswerBusy(peer, datagram);
                }
            }
        }
    }

    private void AnswerBusy(in PeerAddress peer, byte[] datagram)
    {
        if (
            !CoapHeader.TryRead(datagram, out var header)
            || !CoapMessage.TryRead(datagram, header.Code, out var message)
            || RequestHead.Read(message, isOfConnection: false, out var head) != default
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
