using RabbitMQ.Client;

namespace Insa.Iiot.Protocols.Amqp.Publishing;

/// <summary>A message on its way to the broker's confirmation. Its body is read until it is sent, and no longer.</summary>
internal sealed class PendingPublish(string exchange, string routingKey, BasicProperties properties, ReadOnlyMemory<byte> body)
{
    private readonly TaskCompletionSource _confirmed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private object? _taken;

    public string Exchange => exchange;

    public string RoutingKey => routingKey;

    public BasicProperties Properties => properties;

    public ReadOnlyMemory<byte> Body => body;

    /// <summary>By what it was sent, once it is.</summary>
    public PublishingLine? Line => Volatile.Read(ref _taken) as PublishingLine;

    /// <summary>Whether it is sent, or given up.</summary>
    public bool IsTaken => Volatile.Read(ref _taken) is not null;

    /// <summary>Whether the broker has sent it back; its confirmation comes after that.</summary>
    public bool IsReturned { get; set; }

    public Task Confirmed => _confirmed.Task;

    /// <summary>Takes it to be sent.</summary>
    /// <returns><see langword="false"/> if its publisher has given up.</returns>
    public bool TrySend(PublishingLine line) => Interlocked.CompareExchange(ref _taken, line, null) is null;

    /// <summary>Gives it up.</summary>
    /// <returns><see langword="false"/> if it is sent already.</returns>
    public bool TryAbandon() => Interlocked.CompareExchange(ref _taken, _confirmed, null) is null;

    public void Confirm() => _confirmed.TrySetResult();

    public void Fail(PublishFailure failure, string reason) => _confirmed.TrySetException(new BrokerPublishException(failure, reason));
}
