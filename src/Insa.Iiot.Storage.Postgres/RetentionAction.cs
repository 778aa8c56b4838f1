namespace Insa.Iiot.Storage.Postgres;

/// <summary>One step of retention.</summary>
/// <param name="Tier">The tier.</param>
/// <param name="Kind">What is done.</param>
/// <param name="Tenant">Whose data; <see langword="null"/> if a whole partition, and so every tenant's.</param>
/// <param name="From">The first instant, UTC; of rows the earliest possible.</param>
/// <param name="To">The first instant after it, UTC.</param>
/// <param name="Rows">How many rows, of a partition an estimate.</param>
/// <param name="Reason">Of what is kept, why; otherwise empty.</param>
public sealed record RetentionAction(
    RetentionTier Tier,
    RetentionActionKind Kind,
    TenantId? Tenant,
    DateTime From,
    DateTime To,
    long Rows,
    string Reason
);
