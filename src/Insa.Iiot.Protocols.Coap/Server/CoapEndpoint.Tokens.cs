using Insa.Iiot.Protocols.Coap.Diagnostics;
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
    private void Authenticate(in PeerAddress peer, bool isVerified, ReadOnlySpan<byte> token, ReadOnlySpan<byte> datagram)
    {
        var lookup = _waiting.GetAlternateLookup<ReadOnlySpan<byte>>();
        if (lookup.TryGetValue(token, out var waiting))
        {
            if (waiting.Count < MaxDatagramsPerToken)
                waiting.Add((peer, isVerified, datagram.ToArray()));
            else
                _metrics.Dropped("queue_full");
            return;
        }

        if (_waiting.Count >= MaxTokensAtOnce)
        {
            _metrics.Dropped("queue_full");
            return;
        }

        var copy = token.ToArray();
        _waiting.Add(copy, [(peer, isVerified, datagram.ToArray())]);
        _ = Task.Run(() => AuthenticateAsync(copy), CancellationToken.None);
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
                if (isKnown)
                    Handle(peer, null, isVerified, datagram);
                else
                    AnswerBusy(peer, datagram);
            }
        }
    }

    private void AnswerBusy(in PeerAddress peer, byte[] datagram)
    {
        if (
            !Messages.CoapHeader.TryRead(datagram, out var header)
            || !Messages.CoapMessage.TryRead(datagram, header.Code, out var message)
            || RequestHead.Read(message, out var head) != default
        )
            return;
        var request = new Request
        {
            Address = peer,
            Header = header,
            Message = message,
            Head = head,
            MaxAnswerBytes = 3 * datagram.Length,
        };
        Answer(request, Busy);
    }
}
