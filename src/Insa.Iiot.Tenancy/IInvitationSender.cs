namespace Insa.Iiot.Tenancy;

/// <summary>Takes invitations to whom they are for. The last one registered is used.</summary>
public interface IInvitationSender
{
    /// <summary>Sends an invitation to its address.</summary>
    /// <param name="invitation">The invitation.</param>
    /// <param name="tenantName">What people call the tenant.</param>
    /// <param name="token">What the invited person shows: a secret, for the address alone.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    ValueTask SendAsync(Invitation invitation, string tenantName, string token, CancellationToken cancellationToken = default);
}
