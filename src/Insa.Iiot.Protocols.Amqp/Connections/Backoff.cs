namespace Insa.Iiot.Protocols.Amqp.Connections;

/// <summary>Waits that double, with jitter, so that hosts do not come back all at once.</summary>
internal sealed class Backoff(TimeSpan longest, TimeProvider time)
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(200);

    private TimeSpan _next = First;

    public void Reset() => _next = First;

    public Task WaitAsync(CancellationToken cancellationToken)
    {
        var delay = _next * (0.5 + Random.Shared.NextDouble());
        _next = _next * 2 < longest ? _next * 2 : longest;
        return Task.Delay(delay < longest ? delay : longest, time, cancellationToken);
    }
}
