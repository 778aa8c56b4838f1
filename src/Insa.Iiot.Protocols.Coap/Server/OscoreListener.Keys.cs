using System.Security.Cryptography;
using Insa.Iiot.Protocols.Coap.Diagnostics;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Oscore;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Server;

internal sealed partial class OscoreListener
{
    private const int MaxLookUps = 64;
    private const int MaxWaiting = 8;
    private const int NumbersAtOnce = 4096;
    private const int UnknownKeyBytes = 32;

    // How soon after a look a wrong key is a reason for another: the device may have been given a new one.
    private static readonly TimeSpan ForgedPatience = TimeSpan.FromSeconds(1);

    // By identity: those that wait for the key.
    private readonly Dictionary<string, List<(PeerAddress Peer, byte[] Datagram)>> _waiting = new(StringComparer.Ordinal);
    private int _checks;

    // A request of a device without a context waits until its key is found, and is handled then. What finds no place comes again.
    private void Admit(in PeerAddress peer, in ProtectedRequest request, ReadOnlySpan<byte> datagram)
    {
        if (!OscoreIdentity.TryRead(request.Option.KidContext, out var identity))
        {
            Refuse(peer, request.Header, request.Message, CoapCode.Unauthorized, OscoreRefusal.WrongKey);
            return;
        }

        lock (_lock)
        {
            if (_waiting.TryGetValue(identity, out var waiting) && waiting.Count < MaxWaiting)
            {
                waiting.Add((peer, datagram.ToArray()));
                return;
            }

            if (waiting is null && _waiting.Count < MaxLookUps)
            {
                _waiting.Add(identity, [(peer, datagram.ToArray())]);
                _ = Task.Run(() => AdmitAsync(identity), CancellationToken.None);
                return;
            }
        }

        _services.Metrics.Refused(OscoreRefusal.Busy);
    }

    private async Task AdmitAsync(string identity)
    {
        OscoreCandidate? candidate = null;
        string? refusal = null;
        try
        {
            candidate = await FindAsync(identity).ConfigureAwait(false);
            if (HasGenuine(identity, candidate))
                refusal = await OpenAsync(identity, candidate).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            refusal = OscoreRefusal.StoreUnavailable;
            LogUnlessStopping(e);
        }

        try
        {
            foreach (var (peer, datagram) in TakeWaiting(identity))
                Answer(peer, datagram, candidate, refusal);
        }
        catch (Exception e)
        {
            _services.Logger.DatagramFailed(e);
        }

        candidate?.Dispose();
    }

    private void Answer(in PeerAddress peer, byte[] datagram, OscoreCandidate? candidate, string? refusal)
    {
        if (!TryReadAgain(datagram, out var request))
            return;
        if (TryFind(request.Option.KidContext, out var session))
            Receive(session, peer, request, datagram);
        else if (refusal is OscoreRefusal.StoreUnavailable or OscoreRefusal.ContextsFull)
            Refuse(peer, request.Header, request.Message, CoapCode.ServiceUnavailable, refusal);
        else if (refusal is null && candidate!.HasSealed(datagram, request))
            _services.Metrics.Refused(OscoreRefusal.Busy); // it came while others were being looked at, and comes again
        else
            Refuse(peer, request.Header, request.Message, CoapCode.Unauthorized, refusal ?? OscoreRefusal.WrongKey);
    }

    private static bool TryReadAgain(byte[] datagram, out ProtectedRequest request)
    {
        request = default;
        if (
            !CoapHeader.TryRead(datagram, out var header)
            || !CoapMessage.TryRead(datagram, header.Code, out var message)
            || !OscoreMessages.TryFindOption(message.Options, out var value)
            || !OscoreOption.TryRead(value, out var option)
        )
            return false;
        request = new ProtectedRequest(header, message, option);
        return true;
    }

    // Nobody can tell an identity that is not known from a wrong key: the same is done for both.
    private async ValueTask<OscoreCandidate> FindAsync(string identity)
    {
        var psk = await _keys.FindPskAsync(identity, _stopping).ConfigureAwait(false);
        return new OscoreCandidate(
            OscoreIdentity.ToIdContext(identity),
            psk is null ? RandomNumberGenerator.GetBytes(UnknownKeyBytes) : psk.Key.Span,
            psk?.Identity
        );
    }

    private bool HasGenuine(string identity, OscoreCandidate candidate)
    {
        (PeerAddress, byte[] Datagram)[] waiting;
        lock (_lock)
            waiting = [.. _waiting[identity]];
        foreach (var (_, datagram) in waiting)
        {
            if (TryReadAgain(datagram, out var request) && candidate.HasSealed(datagram, request))
                return true;
        }

        return false;
    }

    /// <returns>Why it is refused, if it is.</returns>
    private async ValueTask<string?> OpenAsync(string identity, OscoreCandidate candidate)
    {
        var device = await _services
            .Authenticator.AuthenticateAsync(DeviceCredential.FromPsk(candidate.Known!), _stopping)
            .ConfigureAwait(false);
        if (device is null)
            return OscoreRefusal.NotAuthenticated;
        var store = new ControlSequenceStore(_control, device.Tenant, device.Device, _services.Time);
        var numbers = new OscoreNumbers(store, NumbersAtOnce, _services.Time, LogUnlessStopping);
        await numbers.FillAsync(_stopping).ConfigureAwait(false);
        var session = new OscoreSession(
            Interlocked.Increment(ref _lastSessionId),
            OscoreIdentity.ToIdContext(identity),
            device.Over("coap"),
            candidate.TakeContext(),
            candidate.Check,
            numbers,
            _settings
        );
        if (TryAdd(session))
            return null;
        session.Dispose();
        return OscoreRefusal.ContextsFull;
    }

    /// <summary>Looks beside the traffic whether a context's device still has its key, if that was not done for a while.</summary>
    private void CheckKey(OscoreSession session, TimeSpan patience)
    {
        if (session.IsBeingChecked || _services.Time.GetElapsedTime(session.CheckedAt) < patience)
            return;
        lock (_lock)
        {
            if (session.IsBeingChecked || _checks >= MaxLookUps)
                return;
            session.IsBeingChecked = true;
            _checks++;
        }

        _ = Task.Run(() => CheckKeyAsync(session), CancellationToken.None);
    }

    private async Task CheckKeyAsync(OscoreSession session)
    {
        try
        {
            OscoreIdentity.TryRead(session.IdContext, out var identity);
            using var candidate = await FindAsync(identity!).ConfigureAwait(false);
            var device = session.IsOf(candidate.Check)
                ? await _services
                    .Authenticator.AuthenticateAsync(DeviceCredential.FromPsk(candidate.Known!), _stopping)
                    .ConfigureAwait(false)
                : null;
            if (device is null)
                Close(session);
            else
                session.Device = device.Over("coap");
        }
        catch (Exception e)
        {
            // Until the store can be asked, the context stands as it was.
            LogUnlessStopping(e);
        }

        lock (_lock)
        {
            (session.IsBeingChecked, session.CheckedAt) = (false, _services.Time.GetTimestamp());
            _checks--;
        }
    }

    private List<(PeerAddress Peer, byte[] Datagram)> TakeWaiting(string identity)
    {
        lock (_lock)
            return _waiting.Remove(identity, out var waiting) ? waiting : [];
    }

    private void LogUnlessStopping(Exception exception)
    {
        if (exception is OperationCanceledException && _stopping.IsCancellationRequested)
            return;
        if (exception is TelemetryStoreException)
            _services.Logger.AuthenticatorUnavailable(exception);
        else
            _services.Logger.DatagramFailed(exception);
    }
}
