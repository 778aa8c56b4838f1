namespace Insa.Iiot.Tenancy.Records;

internal sealed record InvitationRecord(
    string Email,
    List<string> Roles,
    string InvitedBy,
    DateTime ExpiresAt,
    byte[] SecretHash,
    InvitationState State
);
