namespace Insa.Iiot.Tenancy.Records;

internal sealed record UsageRecord(
    long Messages,
    long Points,
    long Bytes,
    long RefusedInactive,
    long RefusedQuota,
    long RefusedRate,
    DateTime WrittenAt,
    long StorageDays = 0
);
