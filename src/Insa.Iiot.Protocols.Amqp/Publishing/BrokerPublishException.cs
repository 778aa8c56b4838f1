namespace Insa.Iiot.Protocols.Amqp.Publishing;

/// <summary>The broker has not confirmed a message.</summary>
internal sealed class BrokerPublishException(PublishFailure failure, string message, Exception? inner = null) : Exception(message, inner)
{
    public PublishFailure Failure => failure;
}
