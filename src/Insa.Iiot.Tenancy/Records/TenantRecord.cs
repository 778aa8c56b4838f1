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
    List<string>? AllowedNetworks = null
);
