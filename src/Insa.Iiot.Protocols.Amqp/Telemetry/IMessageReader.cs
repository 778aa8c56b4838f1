using RabbitMQ.Client;

namespace Insa.Iiot.Protocols.Amqp.Telemetry;

/// <summary>Reads the messages of one channel, which come one at a time.</summary>
internal interface IMessageReader
{
    /// <summary>Whether a message that is refused is done with once it is among its tenant's dead letters; otherwise it is one of the broker's too.</summary>
    bool IsContentWithDeadLetters { get; }

    /// <summary>Finds whose a message is.</summary>
    Sender FindSender(string routingKey, IReadOnlyBasicProperties properties, ReadOnlySpan<byte> body);

    /// <summary>Offers a message to the pipeline.</summary>
    IngestReceipt Submit(DeviceSession session, IReadOnlyBasicProperties properties, ReadOnlySpan<byte> body);

    /// <summary>Who waits to be told what becomes of a message; <see langword="null"/> if nobody does.</summary>
    ReplyAddress? FindReplyAddress(IReadOnlyBasicProperties properties);
}
