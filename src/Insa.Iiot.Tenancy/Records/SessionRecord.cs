namespace Insa.Iiot.Tenancy.Records;

internal sealed record SessionRecord(
    string? Tenant,
    long TokenVersion,
    byte[] FamilyHash,
    byte[] SecretHash,
    DateTime CreatedAt,
    DateTime UsedAt,
    DateTime ExpiresAt
);
