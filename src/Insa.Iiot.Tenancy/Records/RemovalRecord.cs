namespace Insa.Iiot.Tenancy.Records;

internal sealed record RemovalRecord(string Host, DateTime ExpiresAt);
