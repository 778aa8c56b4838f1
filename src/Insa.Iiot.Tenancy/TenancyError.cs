namespace Insa.Iiot.Tenancy;

/// <summary>Why something was refused.</summary>
public enum TenancyError
{
    /// <summary>There is one already.</summary>
    Exists,

    /// <summary>There is none.</summary>
    NotFound,

    /// <summary>Somebody else changed it meanwhile, or the version that was given is not the current one: read it again.</summary>
    Changed,

    /// <summary>A limit of the tenant is reached.</summary>
    QuotaExceeded,

    /// <summary>The tenant would have no administrator left.</summary>
    LastAdmin,

    /// <summary>Nobody grants what he does not hold.</summary>
    Escalation,

    /// <summary>The tenant is not in a state that allows it.</summary>
    TenantState,

    /// <summary>The invitation does not exist, is used, revoked or expired, or is not this person's. Which of these is not told.</summary>
    InvalidInvitation,

    /// <summary>The host is busy with others: try again later.</summary>
    Busy,
}
