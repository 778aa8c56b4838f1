namespace Insa.Iiot.Tenancy;

/// <summary>Where a tenant is in its life.</summary>
public enum TenantState
{
    /// <summary>It works.</summary>
    Active,

    /// <summary>Nobody works for it, and all of it is kept.</summary>
    Suspended,

    /// <summary>It leaves: nobody works for it, and it does not come back. Its data is kept until <see cref="TenantOffboardingStatus.DueAt"/>.</summary>
    Offboarding,

    /// <summary>It has left: its data is deleted, or is being deleted. Only its id is kept, so that nobody gets it again.</summary>
    Deleted,
}
