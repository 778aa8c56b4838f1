namespace Insa.Iiot.Tenancy.Records;

internal sealed record TenantRecord(
    string DisplayName,
    TenantState State,
    string Plan,
    string? Parent,
    Dictionary<string, long?> Limits,
    Dictionary<string, bool> Features,
    DateTime CreatedAt,
    List<string>? AllowedNetworks = null,
    Dictionary<string, string?>? Rates = null
);
