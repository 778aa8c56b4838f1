namespace Insa.Iiot.Protocols.Amqp.Events;

/// <summary>The head of a tenant's outbox, there while events wait: its version decides races between hosts.</summary>
/// <param name="Last">The number of the event that came last.</param>
/// <param name="Waiting">How many wait.</param>
/// <param name="Owner">The host that sends them.</param>
/// <param name="Until">Until when it does, without saying so again.</param>
internal sealed record OutboxRecord(long Last, int Waiting, string? Owner, DateTime Until);
