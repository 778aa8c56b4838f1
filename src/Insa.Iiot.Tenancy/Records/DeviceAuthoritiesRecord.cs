namespace Insa.Iiot.Tenancy.Records;

internal sealed record DeviceAuthoritiesRecord(DeviceAuthorityRecord[] Authorities);
