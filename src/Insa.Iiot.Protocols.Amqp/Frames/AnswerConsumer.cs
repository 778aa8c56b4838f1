using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Insa.Iiot.Protocols.Amqp.Frames;

/// <summary>Takes answers to the desk.</summary>
internal sealed class AnswerConsumer(AnswerDesk desk, IChannel channel) : IAsyncBasicConsumer
{
    public IChannel Channel => channel;

    /// <summary>Told that no more will come.</summary>
    public required Action<string> Ended { get; init; }

    public Task HandleBasicDeliverAsync(
        string consumerTag,
        ulong deliveryTag,
        bool redelivered,
        string exchange,
        string routingKey,
        IReadOnlyBasicProperties properties,
        ReadOnlyMemory<byte> body,
        CancellationToken cancellationToken = default
    )
    {
        desk.Answer(properties.CorrelationId, body.Span);
        return Task.CompletedTask;
    }

    public Task HandleBasicCancelAsync(string consumerTag, CancellationToken cancellationToken = default)
    {
        Ended("the queue is gone");
        return Task.CompletedTask;
    }

    public Task HandleBasicCancelOkAsync(string consumerTag, CancellationToken cancellationToken = default) => Task.CompletedTask;

    public Task HandleBasicConsumeOkAsync(string consumerTag, CancellationToken cancellationToken = default) => Task.CompletedTask;

    public Task HandleChannelShutdownAsync(object channel, ShutdownEventArgs reason)
    {
        Ended(reason.ReplyText);
        return Task.CompletedTask;
    }
}
