namespace Insa.Iiot.Tenancy.Delivery;

/// <summary>Writes invitations to where a developer looks.</summary>
internal sealed class ConsoleInvitationSender(TextWriter output) : IInvitationSender
{
    // Not to a logger: logs are collected, kept and read by many, and a token lets in whoever reads it.
    public async ValueTask SendAsync(Invitation invitation, string tenantName, string token, CancellationToken cancellationToken = default)
    {
        var text = $"Invitation of {InvitationMail.ToLine(invitation.Email)} to {InvitationMail.ToLine(tenantName)}: {token}";
        await output.WriteLineAsync(text.AsMemory(), cancellationToken).ConfigureAwait(false);
    }
}
