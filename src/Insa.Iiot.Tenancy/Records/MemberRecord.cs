namespace Insa.Iiot.Tenancy.Records;

internal sealed record MemberRecord(List<string> Roles, DateTime Since)
{
    public bool IsAdmin => Roles.Contains(Role.Admin, StringComparer.Ordinal);
}
