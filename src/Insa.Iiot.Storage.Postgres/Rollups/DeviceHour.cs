namespace Insa.Iiot.Storage.Postgres.Rollups;

/// <summary>An hour of a device: what is rolled up at once.</summary>
/// <param name="TenantNo">The tenant.</param>
/// <param name="DeviceNo">The device.</param>
/// <param name="Start">When the hour starts, in microseconds since 2000.</param>
internal readonly record struct DeviceHour(int TenantNo, int DeviceNo, long Start);
