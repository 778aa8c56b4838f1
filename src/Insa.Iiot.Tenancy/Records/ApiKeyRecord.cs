namespace Insa.Iiot.Tenancy.Records;

internal sealed record ApiKeyRecord(
    string Name,
    List<string> Permissions,
    string CreatedBy,
    DateTime CreatedAt,
    DateTime? ExpiresAt,
    byte[] SecretHash
);
