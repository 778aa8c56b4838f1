using System.Threading.Channels;

namespace Insa.Iiot.Protocols.Coap.Client;

/// <summary>Takes the notifications of an observed resource, in their order and none that is older than the last (RFC 7641 §3.4).</summary>
internal sealed class Observation(TimeProvider time) : IReplySink
{
    /// <summary>How many wait for a slow reader; then the oldest is dropped, for it is not the resource's state any more.</summary>
    public const int Capacity = 16;

    private static readonly TimeSpan OrderLifetime = TimeSpan.FromSeconds(128);

    private readonly Channel<ReceivedResponse> _responses = Channel.CreateBounded<ReceivedResponse>(
        new BoundedChannelOptions(Capacity) { FullMode = BoundedChannelFullMode.DropOldest }
    );
    private ReceivedResponse? _last;
    private Task<bool>? _arrival;

    /// <summary>Whether the server did not answer, or rejected it.</summary>
    public bool HasFailed { get; private set; }

    public void Accept() { }

    public void Reply(ReceivedResponse response, bool isPiggybacked)
    {
        // What answers our own request is the newest there is, even if the server has begun to count anew.
        if (!isPiggybacked && !IsFresh(response))
            return;
        if (response.Observe is not null)
            _last = response;
        _responses.Writer.TryWrite(response);
    }

    public void Reject() => Fail(new CoapException(CoapError.Reset, "The server rejected the registration with a Reset."));

    public void Fail(Exception error)
    {
        HasFailed = true;
        _responses.Writer.TryComplete(error);
    }

    /// <summary>Takes no more.</summary>
    public void Close() => _responses.Writer.TryComplete();

    /// <summary>Takes the next response, or waits for it.</summary>
    /// <param name="patience">How long to wait.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns><see langword="null"/> if none came in time.</returns>
    public async Task<ReceivedResponse?> NextAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        while (!_responses.Reader.TryPeek(out _))
        {
            // The wait is kept when the time is up: a second one beside it would be one too many.
            _arrival ??= _responses.Reader.WaitToReadAsync(CancellationToken.None).AsTask();
            try
            {
                await _arrival.WaitAsync(patience, time, cancellationToken).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                return null;
            }

            _arrival = null;
        }

        cancellationToken.ThrowIfCancellationRequested();
        return _responses.Reader.TryRead(out var response) ? response : null;
    }

    private bool IsFresh(ReceivedResponse response)
    {
        if (response.Observe is not { } order || _last is not { Observe: { } last })
            return true;
        return ((order - last) & 0xFFFFFF) is > 0 and < 1 << 23
            || time.GetElapsedTime(_last.ReceivedAt, response.ReceivedAt) > OrderLifetime;
    }
}
