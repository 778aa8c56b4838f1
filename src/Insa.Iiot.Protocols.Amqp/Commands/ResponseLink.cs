using Insa.Iiot.Protocols.Amqp.Connections;
using Insa.Iiot.Protocols.Amqp.Diagnostics;
using RabbitMQ.Client;

namespace Insa.Iiot.Protocols.Amqp.Commands;

/// <summary>Keeps the queues of answers of one virtual host consumed, by one connection that is made anew whenever it ends.</summary>
internal sealed class ResponseLink(string virtualHost, IReadOnlyList<ResponseConsumer> consumers, CommandContext context)
{
    private static readonly TimeSpan CloseTime = TimeSpan.FromSeconds(5);

    private bool _isTold;

    private string Tie => $"answers of {virtualHost}";

    public async Task RunAsync(CancellationToken stopping)
    {
        var backoff = new Backoff(context.Options.MaxReconnectDelay, context.Time);
        while (!stopping.IsCancellationRequested)
        {
            var since = context.Time.GetTimestamp();
            try
            {
                var connection = await context.Connector.ConnectAsync(virtualHost, "answers", stopping).ConfigureAwait(false);
                await ConsumeAsync(connection, stopping).ConfigureAwait(false);
            }
            catch (Exception e) when (!stopping.IsCancellationRequested)
            {
                // Told once: a broker that is away is away for many attempts.
                var reason = BrokerFailure.ReasonOf(e);
                context.Health.Down(Tie, reason);
                if (!_isTold)
                    context.Logger.Unreachable(context.Connector.Name, reason);
                _isTold = true;
            }
            catch (Exception)
            {
                break; // the host stops
            }

            if (context.Time.GetElapsedTime(since) > context.Options.MaxReconnectDelay)
                backoff.Reset();
            await backoff.WaitAsync(stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        context.Health.Forget(Tie);
    }

    private async Task ConsumeAsync(IConnection connection, CancellationToken stopping)
    {
        context.Metrics.ConnectionsChanged(1);
        context.Health.Up(Tie);
        _isTold = false;
        try
        {
            await Task.WhenAll(consumers.Select(consumer => consumer.RunAsync(connection, stopping))).ConfigureAwait(false);
            if (!stopping.IsCancellationRequested)
                context.Logger.Lost(context.Connector.Name, connection.CloseReason?.ReplyText ?? "");
        }
        finally
        {
            context.Metrics.ConnectionsChanged(-1);
            await connection
                .DisposeAsync()
                .AsTask()
                .WaitAsync(CloseTime, context.Time, CancellationToken.None)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
