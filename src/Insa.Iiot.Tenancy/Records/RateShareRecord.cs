namespace Insa.Iiot.Tenancy.Records;

/// <summary>What one host has used of a tenant's rates, for the others.</summary>
internal sealed record RateShareRecord(DateTime At, Dictionary<string, RateUse> Rates);
