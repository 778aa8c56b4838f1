namespace Insa.Iiot.Tenancy.Records;

/// <summary>What one host has used of one rate.</summary>
/// <param name="Used">Units since the host met the tenant.</param>
/// <param name="Demand">Units a second that it could use, those that it refuses included.</param>
internal sealed record RateUse(long Used, double Demand);
