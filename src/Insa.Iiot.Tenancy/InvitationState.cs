namespace Insa.Iiot.Tenancy;

/// <summary>What has become of an invitation. That it has expired is told by its time.</summary>
public enum InvitationState
{
    /// <summary>It can be accepted.</summary>
    Open,

    /// <summary>It was accepted, once.</summary>
    Used,

    /// <summary>It was taken back.</summary>
    Revoked,
}
