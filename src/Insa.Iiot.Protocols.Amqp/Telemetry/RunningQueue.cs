namespace Insa.Iiot.Protocols.Amqp.Telemetry;

/// <summary>A queue that is being consumed, and how to stop that.</summary>
internal sealed class RunningQueue
{
    private readonly CancellationTokenSource _stop;
    private readonly Task _running;

    public RunningQueue(QueueConsumer consumer, CancellationToken over)
    {
        Consumer = consumer;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(over);
        _running = consumer.RunAsync(_stop.Token);
    }

    public QueueConsumer Consumer { get; }

    public async Task StopAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }
}
