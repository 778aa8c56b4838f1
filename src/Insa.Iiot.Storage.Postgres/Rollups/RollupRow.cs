namespace Insa.Iiot.Storage.Postgres.Rollups;

/// <summary>One row of <c>rollup_hour</c> or <c>rollup_day</c>.</summary>
internal readonly record struct RollupRow(int TenantNo, int DeviceNo, int MetricNo, short Quality, long Bucket, RollupStats Stats);
