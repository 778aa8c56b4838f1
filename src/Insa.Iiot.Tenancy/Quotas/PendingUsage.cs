using Insa.Iiot.Tenancy.Records;

namespace Insa.Iiot.Tenancy.Quotas;

/// <summary>Usage on its way to the store.</summary>
/// <param name="Hour">The hour that it counts for.</param>
/// <param name="Id">The record's id, by which a second try finds the first.</param>
/// <param name="Body">The record.</param>
internal sealed record PendingUsage(DateTime Hour, string Id, UsageRecord Body);
