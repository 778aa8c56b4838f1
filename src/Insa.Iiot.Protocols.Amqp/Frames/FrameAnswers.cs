using System.Threading.Channels;
using Insa.Iiot.Protocols.Amqp.Diagnostics;
using Insa.Iiot.Protocols.Amqp.Publishing;
using Insa.Iiot.Protocols.Amqp.Telemetry;
using RabbitMQ.Client;

namespace Insa.Iiot.Protocols.Amqp.Frames;

/// <summary>
/// Tells senders that wait for the store what has become of their messages, by a publishing connection that is made when the first of them does. An answer
/// that cannot be given is not given: its sender sends again.
/// </summary>
internal sealed class FrameAnswers : IReplies, IAsyncDisposable
{
    private const int MaxWaiting = 4096;
    private const int MaxAtOnce = 256;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly PublisherContext _context;
    private readonly Channel<(ReplyAddress Address, IngestReason Reason)> _waiting = Channel.CreateBounded<(ReplyAddress, IngestReason)>(
        new BoundedChannelOptions(MaxWaiting) { SingleReader = true }
    );
    private readonly Task _work;

    public FrameAnswers(PublisherContext context)
    {
        _context = context;
        _work = Task.Run(AnswerAsync);
    }

    public void Offer(ReplyAddress address, IngestReason reason)
    {
        if (!_waiting.Writer.TryWrite((address, reason)))
            _context.Metrics.AnswerMissed();
    }

    public async ValueTask DisposeAsync()
    {
        _waiting.Writer.TryComplete();
        await _work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task AnswerAsync()
    {
        if (!await _waiting.Reader.WaitToReadAsync().ConfigureAwait(false))
            return;
        var frames = _context.Options.Value.Frames;
        var publisher = new BrokerPublisher(
            _context,
            frames?.VirtualHost ?? _context.Connector.DefaultVirtualHost,
            "answers",
            (_, _, _) => Task.CompletedTask,
            timeout: Timeout
        );
        await using (publisher.ConfigureAwait(false))
        {
            var given = new List<Task>();
            do
            {
                while (given.Count < MaxAtOnce && _waiting.Reader.TryRead(out var answer))
                    given.Add(AnswerAsync(publisher, answer.Address, answer.Reason));
                await Task.WhenAll(given).ConfigureAwait(false);
                given.Clear();
            } while (await _waiting.Reader.WaitToReadAsync().ConfigureAwait(false));
        }
    }

    private async Task AnswerAsync(BrokerPublisher publisher, ReplyAddress address, IngestReason reason)
    {
        var properties = new BasicProperties { CorrelationId = address.CorrelationId, MessageId = address.CorrelationId };
        try
        {
            await publisher.PublishAsync("", address.Queue, properties, EndToEndAnswer.Of(reason)).ConfigureAwait(false);
        }
        catch (BrokerPublishException)
        {
            _context.Metrics.AnswerMissed();
        }
    }
}
