using System.Security.Cryptography.X509Certificates;

namespace Insa.Iiot.Tenancy;

/// <summary>The mail server that takes invitations, and what they say. Checked when the host starts.</summary>
public sealed class SmtpInvitationOptions
{
    /// <summary>The mail server's name or address. Needed.</summary>
    public string Host { get; set; } = "";

    /// <summary>Its port. Default 587; 1 to 65,535.</summary>
    public int Port { get; set; } = 587;

    /// <summary>How the connection is protected. Default <see cref="SmtpSecurity.StartTls"/>.</summary>
    public SmtpSecurity Security { get; set; } = SmtpSecurity.StartTls;

    /// <summary>
    /// The roots that the server's certificate must come from, such as those of a company's own authority. Empty by default: those that the
    /// operating system trusts.
    /// </summary>
    public X509Certificate2Collection TrustedRoots { get; } = [];

    /// <summary>Who signs in. Default nobody.</summary>
    public string? User { get; set; }

    /// <summary>The password of <see cref="User"/>.</summary>
    public string? Password { get; set; }

    /// <summary>The address that mail comes from. Needed.</summary>
    public string FromAddress { get; set; } = "";

    /// <summary>The name that mail comes from. Default none; at most 200 characters.</summary>
    public string FromName { get; set; } = "";

    /// <summary>
    /// The page where a person accepts, such as <c>https://portal.example.com/join</c>. Needed, and HTTPS but on the same machine. The token comes
    /// as its fragment, <c>#token=...</c>, which browsers keep to themselves: it is in no server's log, and no scanner that fetches the link
    /// uses it up.
    /// </summary>
    public Uri? AcceptUrl { get; set; }

    /// <summary>The subject, one line of at most 200 characters. <c>{tenant}</c> is what people call the tenant.</summary>
    public string Subject { get; set; } = "Invitation to {tenant}";

    /// <summary>
    /// What mail says: paragraphs with an empty line between them, as plain text and as HTML. <c>{tenant}</c> is what people call the tenant,
    /// <c>{expires}</c> until when the invitation can be accepted, and <c>{link}</c>, which is needed, where.
    /// </summary>
    public string Text { get; set; } =
        "You have been invited to {tenant}.\n\nAccept here until {expires}:\n\n{link}\n\n"
        + "The link is for you alone and works once. If you did not expect it, do nothing.";

    /// <summary>How long one delivery may take. Default 30 seconds; 1 second to 2 minutes.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);
}
