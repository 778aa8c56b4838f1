namespace Insa.Iiot.Storage.Postgres.Jobs;

/// <summary>The stretch of time that one partition holds.</summary>
/// <param name="Starts">The first instant, in UTC.</param>
/// <param name="Ends">The first instant after it.</param>
/// <param name="SizeBytes">How large the partition is, with what lies beside its rows; 0 if it is empty.</param>
internal readonly record struct PartitionSpan(DateTime Starts, DateTime Ends, long SizeBytes);
