namespace Insa.Iiot.Tenancy.Records;

internal sealed record UserRecord(
    string Email,
    string DisplayName,
    byte[] Salt,
    byte[] Hash,
    int Iterations,
    int WrongPasswords,
    DateTime? LockedUntil,
    List<string> Tenants,
    DateTime CreatedAt,
    bool IsOperator = false,
    long TokenVersion = 0
);
