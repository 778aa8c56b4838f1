namespace Insa.Iiot.Tenancy.Records;

internal sealed record TenantRecord(
    string DisplayName,
    TenantState State,
    string Plan,
    string? Parent,
    Dictionary<string, long?> Limits,
    Dictionary<string, bool> Features,
    DateTime CreatedAt,
    Dictionary<string, string?>? Rates = null,
    List<string>? AllowedNetworks = null,
    DateTime? OffboardedAt = null,
    DateTime? DueAt = null,
    DateTime? DeletedAt = null
)
{
    /// <summary>What is kept of a tenant that is deleted: nothing that says who it was.</summary>
    public TenantRecord ToTombstone(DateTime deletedAt) =>
        new("", TenantState.Deleted, "", null, [], [], CreatedAt, OffboardedAt: OffboardedAt, DueAt: DueAt, DeletedAt: deletedAt);
}
