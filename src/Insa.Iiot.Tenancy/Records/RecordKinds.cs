namespace Insa.Iiot.Tenancy.Records;

/// <summary>The kinds of records that this package keeps.</summary>
internal static class RecordKinds
{
    // The platform's.
    public const string Tenant = "tenant";
    public const string User = "user";

    // A tenant's.
    public const string Child = "child";
    public const string Role = "role";
    public const string Member = "member";
    public const string Invitation = "invitation";
    public const string Usage = "usage";
    public const string UsageWarning = "usage-warning";
}
