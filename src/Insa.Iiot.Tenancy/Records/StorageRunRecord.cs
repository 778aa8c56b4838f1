namespace Insa.Iiot.Tenancy.Records;

/// <summary>Which host measures, or has measured, a day's storage of all tenants.</summary>
internal sealed record StorageRunRecord(DateOnly Day, string Host, DateTime ExpiresAt, bool IsDone);
