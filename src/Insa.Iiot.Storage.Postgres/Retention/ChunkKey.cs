namespace Insa.Iiot.Storage.Postgres.Retention;

/// <summary>A chunk of a tenant.</summary>
/// <param name="DeviceNo">The device.</param>
/// <param name="MetricNo">The metric.</param>
/// <param name="Start">When its span starts, in microseconds since 2000.</param>
internal readonly record struct ChunkKey(int DeviceNo, int MetricNo, long Start);
