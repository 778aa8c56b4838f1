namespace Insa.Iiot.Tenancy.Records;

/// <summary>The kinds of records that this package keeps.</summary>
internal static class RecordKinds
{
    // The platform's.
    public const string Tenant = "tenant";
    public const string User = "user";
    public const string Session = "session";
    public const string AuditKey = "audit-key";
    public const string Removal = "removal";
    public const string StorageRun = "storage-run";

    // A tenant's.
    public const string Child = "child";
    public const string Role = "role";
    public const string Member = "member";
    public const string Invitation = "invitation";
    public const string ApiKey = "api-key";
    public const string Branding = "branding";
    public const string RateShare = "rate-share";
    public const string StorageDay = "storage-day";
    public const string DeviceAuthorities = "device-authorities";
    public const string RevokedCertificate = "revoked-certificate";

    // Of either.
    public const string Audit = "audit";
    public const string AuditHead = "audit-head";
    public const string AuditCheckpoint = "audit-checkpoint";
    public const string AuditNode = "audit-node";
    public const string Usage = "usage";
    public const string UsageWarning = "usage-warning";
}
