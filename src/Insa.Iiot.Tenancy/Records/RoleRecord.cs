namespace Insa.Iiot.Tenancy.Records;

internal sealed record RoleRecord(string Name, List<string> Permissions);
