using System.Runtime.CompilerServices;
using Insa.Iiot.Protocols.Coap.Client;
using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap;

public sealed partial class CoapClient
{
    private const uint Register = 0;
    private const uint Deregister = 1;

    // What a timer takes.
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(40);

    /// <summary>Observes a resource (RFC 7641): yields its state now and whenever the server tells of another, until the enumeration ends.</summary>
    /// <remarks>
    /// <para>Order is kept, and what is older than the last is left out. Who reads slowly misses states, but never the newest.</para>
    /// <para>
    /// If nothing came for longer than the last Max-Age said, the client registers again. The enumeration ends by itself after a response
    /// that is an error, or says that the resource cannot be observed. Otherwise the server is told when it ends, by the request or,
    /// should that be lost, by a Reset.
    /// </para>
    /// </remarks>
    /// <param name="request">A GET or a FETCH, with a body of one block at most.</param>
    /// <param name="cancellationToken">Ends the enumeration.</param>
    /// <exception cref="ArgumentException">The request is of another method, or asks for no response.</exception>
    /// <exception cref="CoapException">The server did not answer, or rejected the registration; see <see cref="CoapError"/>.</exception>
    /// <exception cref="ObjectDisposedException">The client is, or was meanwhile, disposed.</exception>
    public IAsyncEnumerable<CoapResponse> ObserveAsync(CoapRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Method != CoapCode.Get && request.Method != CoapCode.Fetch)
            throw new ArgumentException($"GET or FETCH was expected, not {request.Method}.", nameof(request));
        if (request.NoResponse != CoapNoResponse.None)
            throw new ArgumentException("An observation needs its responses.", nameof(request));
        return ObserveAsync(new RequestHead(request, _uriHost), cancellationToken);
    }

    private async IAsyncEnumerable<CoapResponse> ObserveAsync(
        RequestHead head,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        cancellationToken.ThrowIfCancellationRequested();
        var observation = new Observation(_options.TimeProvider);
        var token = Requester.NewToken();
        var message = _bodies.ToMessage(head) with { Observe = Register };
        var registration = ToTransmission(message, token, observation);
        var isRegistered = true;
        var hasEchoed = false;
        var isAnswered = false;
        _layer.Open(token, observation);
        try
        {
            _layer.Submit(registration);
            var patience = _options.RequestTimeout;
            while (true)
            {
                if (await observation.NextAsync(patience, cancellationToken).ConfigureAwait(false) is not { } received)
                {
                    if (!isAnswered)
                        throw new CoapException(CoapError.Timeout, $"No response came within {_options.RequestTimeout}.");
                    (isAnswered, hasEchoed, patience) = (false, false, _options.RequestTimeout);
                    registration = Replace(registration, message, token, observation);
                    continue;
                }

                if (received.AsksForEcho && !hasEchoed)
                {
                    hasEchoed = true;
                    message = message with { Echo = received.Echo };
                    registration = Replace(registration, message, token, observation);
                    continue;
                }

                isAnswered = true;
                isRegistered = received.IsNotification;
                yield return await _bodies.DownloadAsync(head, received, cancellationToken).ConfigureAwait(false);
                if (!isRegistered)
                    yield break;
                patience = TimeUntilStale(received);
            }
        }
        finally
        {
            _layer.Abandon(registration);
            _layer.Close(token);
            observation.Close();
            if (isRegistered && (isAnswered || registration.IsSent) && !observation.HasFailed)
                TellOfEnd(message with { Observe = Deregister }, token, observation);
        }
    }

    private Transmission Replace(Transmission last, RequestMessage message, CoapToken token, Observation observation)
    {
        _layer.Abandon(last);
        var next = ToTransmission(message, token, observation);
        _layer.Submit(next);
        return next;
    }

    // RFC 7641 §3.3.1: 5 to 15 s after Max-Age, so that clients do not register in step.
    private TimeSpan TimeUntilStale(ReceivedResponse received)
    {
        var age = _options.TimeProvider.GetElapsedTime(received.ReceivedAt);
        var patience = received.MaxAge + TimeSpan.FromSeconds(5 + (10 * Random.Shared.NextDouble())) - age;
        return TimeSpan.FromTicks(Math.Clamp(patience.Ticks, 0, LongestWait.Ticks));
    }

    private void TellOfEnd(RequestMessage message, CoapToken token, Observation closed)
    {
        try
        {
            // Nobody waits for the answer.
            _layer.Submit(
                new Transmission(message.Encode(token, _layer.MaxMessageBytes), closed)
                {
                    Token = token,
                    IsOneWay = !message.Head.IsConfirmable,
                }
            );
        }
        catch (Exception e) when (e is CoapException or ObjectDisposedException)
        {
            // A reset for the next notification says the same.
        }
    }

    private Transmission ToTransmission(RequestMessage message, CoapToken token, IReplySink sink) =>
        new(message.Encode(token, _layer.MaxMessageBytes), sink) { Token = token };
}
