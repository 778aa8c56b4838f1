namespace Insa.Iiot.Protocols.Amqp.Events;

/// <summary>An event that waits for the broker.</summary>
internal sealed record EventRecord(string Id, string Type, string? Subject, DateTime Time, string? ContentType, byte[] Data);
