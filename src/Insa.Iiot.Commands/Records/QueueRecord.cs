namespace Insa.Iiot.Commands.Records;

/// <summary>The queue of one device: the changes of its commands are made one after the other by its version.</summary>
/// <param name="Last">The id of the command sent last.</param>
/// <param name="Open">How many are open.</param>
internal sealed record QueueRecord(long Last, int Open);
