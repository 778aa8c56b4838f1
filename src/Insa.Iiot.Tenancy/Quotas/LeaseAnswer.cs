namespace Insa.Iiot.Tenancy.Quotas;

/// <summary>What <see cref="AmountLease.TryTake"/> says.</summary>
internal enum LeaseAnswer
{
    /// <summary>It is taken.</summary>
    Taken,

    /// <summary>This host has too little at the moment; more is being leased.</summary>
    Low,

    /// <summary>The store had no more either.</summary>
    UsedUp,

    /// <summary>The period is over and its lease settled: ask the tenant's current one.</summary>
    Closed,
}
