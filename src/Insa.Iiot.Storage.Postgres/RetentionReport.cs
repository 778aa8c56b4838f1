namespace Insa.Iiot.Storage.Postgres;

/// <summary>What a run of retention deleted, or would delete.</summary>
/// <param name="IsDryRun">Whether nothing was deleted.</param>
/// <param name="Actions">What, in the order in which it was done.</param>
public sealed record RetentionReport(bool IsDryRun, IReadOnlyList<RetentionAction> Actions);
