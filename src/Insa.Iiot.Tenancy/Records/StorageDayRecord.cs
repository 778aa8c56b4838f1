namespace Insa.Iiot.Tenancy.Records;

/// <summary>What a tenant had stored on a day; the day is its id, so that it is charged once.</summary>
internal sealed record StorageDayRecord(long Bytes, DateTime MeasuredAt);
