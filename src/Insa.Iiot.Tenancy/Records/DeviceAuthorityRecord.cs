namespace Insa.Iiot.Tenancy.Records;

internal sealed record DeviceAuthorityRecord(string Id, string Name, byte[] Certificate, DateTime CreatedAt);
