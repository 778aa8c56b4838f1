using System.Text;
using RabbitMQ.Client;

namespace Insa.Iiot.Protocols.Amqp.Tests;

/// <summary>
/// Publishes numbered readings of the press without a pause, persistent, each with a time of its own; what was not confirmed is published again, by a new
/// connection to any of the brokers when the last one broke.
/// </summary>
internal sealed class ConfirmedLoad : IAsyncDisposable
{
    private const int Window = 64;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan PublishTime = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan PauseBeforeConnecting = TimeSpan.FromMilliseconds(50);

    private readonly string _exchange;
    private readonly IReadOnlyList<Uri> _brokers;
    private readonly DateTimeOffset _start = TimeProvider.System.GetUtcNow().AddDays(-1);
    private readonly CancellationTokenSource _stop = new();
    private readonly SortedSet<int> _unconfirmed = [];
    private readonly Task _running;
    private int _next;
    private int _confirmed;

    public ConfirmedLoad(string exchange, params IReadOnlyList<Uri> brokers)
    {
        (_exchange, _brokers) = (exchange, brokers);
        _running = Task.Run(RunAsync);
    }

    /// <summary>Waits until so many more are confirmed.</summary>
    public async Task ConfirmedAsync(int more)
    {
        var target = Volatile.Read(ref _confirmed) + more;
        using var patience = new CancellationTokenSource(Patience);
        while (Volatile.Read(ref _confirmed) < target)
            await Task.Delay(5, patience.Token);
    }

    /// <summary>Stops once all that was begun is confirmed.</summary>
    /// <returns>How many: their numbers are 0 to this.</returns>
    public async Task<int> StopAsync()
    {
        await _stop.CancelAsync();
        await _running.WaitAsync(Patience);
        return _next;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.WaitAsync(Patience).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        for (var attempt = 0; !_stop.IsCancellationRequested || _unconfirmed.Count > 0; attempt++)
        {
            try
            {
                await PublishAsync(_brokers[attempt % _brokers.Count]);
            }
            catch (Exception)
            {
                await Task.Delay(PauseBeforeConnecting);
            }
        }
    }

    private async Task PublishAsync(Uri broker)
    {
        var factory = new ConnectionFactory { Uri = broker, AutomaticRecoveryEnabled = false };
        await using var connection = await factory.CreateConnectionAsync();
        await using var channel = await connection.CreateChannelAsync(
            new CreateChannelOptions(true, true, new ThrottlingRateLimiter(4 * Window), 1)
        );
        var again = new Queue<int>(_unconfirmed);
        var window = new Queue<(int Number, Task Confirmed)>();
        while (!_stop.IsCancellationRequested || again.Count > 0 || window.Count > 0)
        {
            if (window.Count < Window && (again.Count > 0 || !_stop.IsCancellationRequested))
            {
                if (!again.TryDequeue(out var number))
                    number = _next++;
                _unconfirmed.Add(number);
                window.Enqueue((number, PublishAsync(channel, number)));
                continue;
            }

            var (oldest, confirmed) = window.Dequeue();
            await confirmed.WaitAsync(PublishTime);
            _unconfirmed.Remove(oldest);
            Interlocked.Increment(ref _confirmed);
        }
    }

    private Task PublishAsync(IChannel channel, int number) =>
        channel
            .BasicPublishAsync(
                _exchange,
                "telemetry.press",
                mandatory: true,
                new BasicProperties { DeliveryMode = DeliveryModes.Persistent },
                Encoding.ASCII.GetBytes(
                    $$$"""{"data":{"n":{{{number}}}},"timestamp":{{{_start.AddMilliseconds(number).ToUnixTimeMilliseconds()}}}}"""
                )
            )
            .AsTask();
}
