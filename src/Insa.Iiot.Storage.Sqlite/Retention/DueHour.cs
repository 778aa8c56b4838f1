namespace Insa.Iiot.Storage.Sqlite.Retention;

/// <summary>An hour of a tenant whose frames are to be deleted.</summary>
/// <param name="Tenant">The tenant's number.</param>
/// <param name="Hour">The hour, from the Unix epoch.</param>
/// <param name="Sequence">Frames written from this number on came after it was decided, and stay.</param>
internal sealed record DueHour(long Tenant, long Hour, long Sequence);
