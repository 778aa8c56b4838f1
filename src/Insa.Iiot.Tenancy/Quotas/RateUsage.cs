namespace Insa.Iiot.Tenancy.Quotas;

/// <summary>What a gate that counts has let through and refused since it was made.</summary>
/// <param name="Used">Units.</param>
/// <param name="Charges">How many times units were charged that had come already.</param>
/// <param name="Refused">How many times it refused.</param>
internal readonly record struct RateUsage(long Used, long Charges, long Refused)
{
    /// <summary>The units that would have been used since, had nothing been refused: what was refused is taken to be as large as what was not.</summary>
    public double DemandSince(RateUsage before)
    {
        var (used, charges) = (Used - before.Used, Charges - before.Charges);
        var size = charges > 0 ? (double)used / charges : 1;
        return used + ((Refused - before.Refused) * size);
    }
}
