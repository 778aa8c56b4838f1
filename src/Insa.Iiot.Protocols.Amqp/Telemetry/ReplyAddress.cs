namespace Insa.Iiot.Protocols.Amqp.Telemetry;

/// <summary>Where to say what has become of a message.</summary>
/// <param name="Queue">The queue.</param>
/// <param name="CorrelationId">What the answer is known by.</param>
internal sealed record ReplyAddress(string Queue, string CorrelationId);
