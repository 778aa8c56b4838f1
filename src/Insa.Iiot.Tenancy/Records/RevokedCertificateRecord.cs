namespace Insa.Iiot.Tenancy.Records;

internal sealed record RevokedCertificateRecord(DateTime RevokedAt);
