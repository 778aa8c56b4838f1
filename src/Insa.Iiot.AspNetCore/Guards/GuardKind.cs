namespace Insa.Iiot.AspNetCore.Guards;

internal enum GuardKind
{
    /// <summary>A valid credential.</summary>
    Caller,

    /// <summary>A user's credential, not a program's.</summary>
    User,

    /// <summary>An operator of the platform.</summary>
    Operator,

    /// <summary>An active tenant.</summary>
    Tenant,

    /// <summary>A permission within the tenant.</summary>
    Permission,

    /// <summary>A feature of the tenant.</summary>
    Feature,

    /// <summary>Room within one of the tenant's limits, which is taken.</summary>
    Quota,
}
