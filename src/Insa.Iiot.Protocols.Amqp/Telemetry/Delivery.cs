namespace Insa.Iiot.Protocols.Amqp.Telemetry;

/// <summary>A message that was delivered and not settled yet.</summary>
/// <param name="Tag">Its delivery tag, ascending within a channel.</param>
/// <param name="Receipt">What the pipeline said.</param>
/// <param name="IsRefused">Whether it was not even offered to the pipeline.</param>
/// <param name="ReplyAddress">Who waits to be told what becomes of it.</param>
internal readonly record struct Delivery(ulong Tag, IngestReceipt Receipt, bool IsRefused, ReplyAddress? ReplyAddress = null);
