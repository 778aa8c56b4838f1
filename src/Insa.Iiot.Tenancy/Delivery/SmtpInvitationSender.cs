using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Insa.Iiot.Tenancy.Diagnostics;
using MailKit;
using MailKit.Net.Smtp;
using MailKit.Security;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MimeKit;

namespace Insa.Iiot.Tenancy.Delivery;

/// <summary>Gives invitations to a mail server, each over a connection of its own. Thread-safe.</summary>
internal sealed class SmtpInvitationSender(IOptions<SmtpInvitationOptions> options, TimeProvider time, ILogger<SmtpInvitationSender> logger)
    : IInvitationSender
{
    private readonly SmtpInvitationOptions _options = options.Value;

    public async ValueTask SendAsync(Invitation invitation, string tenantName, string token, CancellationToken cancellationToken = default)
    {
        if (!InvitationMail.TryReadAddress(invitation.Email, out var to))
            throw new InvitationDeliveryException("No mail can be sent to the invitation's address.", isTransient: false);
        using var message = InvitationMail.Write(_options, to, invitation, tenantName, token, time.GetUtcNow());
        using var expiry = new CancellationTokenSource(_options.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(expiry.Token, cancellationToken);
        try
        {
            await DeliverAsync(message, either.Token).ConfigureAwait(false);
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        catch (Exception) when (expiry.IsCancellationRequested)
        {
            throw Failure($"did not take it within {_options.Timeout}", isTransient: true);
        }
        catch (Exception e)
        {
            throw Explain(e);
        }

        logger.InvitationSent(invitation.Id, invitation.Tenant.Value);
    }

    private async Task DeliverAsync(MimeMessage message, CancellationToken cancellationToken)
    {
        using var client = new SmtpClient { Timeout = (int)_options.Timeout.TotalMilliseconds };
        if (_options.TrustedRoots.Count > 0)
        {
            client.CheckCertificateRevocation = false;
            client.ServerCertificateValidationCallback = (_, certificate, chain, errors) => IsTrusted(certificate, chain, errors);
        }

        await client.ConnectAsync(_options.Host, _options.Port, Protection(), cancellationToken).ConfigureAwait(false);
        if (!string.IsNullOrEmpty(_options.User))
            await client.AuthenticateAsync(_options.User, _options.Password!, cancellationToken).ConfigureAwait(false);
        await client.SendAsync(message, cancellationToken).ConfigureAwait(false);
        try
        {
            await client.DisconnectAsync(quit: true, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // The server has the message: how it says goodbye changes nothing.
        }
    }

    // Never StartTlsWhenAvailable: who sits between could take the offer away (RFC 3207 §6).
    private SecureSocketOptions Protection() =>
        _options.Security switch
        {
            SmtpSecurity.ImplicitTls => SecureSocketOptions.SslOnConnect,
            SmtpSecurity.None => SecureSocketOptions.None,
            _ => SecureSocketOptions.StartTls,
        };

    private bool IsTrusted(X509Certificate? certificate, X509Chain? sent, SslPolicyErrors errors)
    {
        if (
            certificate is not X509Certificate2 leaf
            || (errors | SslPolicyErrors.RemoteCertificateChainErrors) != SslPolicyErrors.RemoteCertificateChainErrors
        )
            return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_options.TrustedRoots);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        foreach (var element in sent?.ChainElements ?? Enumerable.Empty<X509ChainElement>())
            chain.ChainPolicy.ExtraStore.Add(element.Certificate);
        return chain.Build(leaf);
    }

    // A server's words may repeat what it was given, the token and the password: exceptions that hold them go no further.
    private InvitationDeliveryException Explain(Exception e) =>
        e switch
        {
            AuthenticationException => Failure("refused the login: check User and Password", IsTemporary(e.InnerException)),
            SmtpCommandException { ErrorCode: SmtpErrorCode.RecipientNotAccepted } refusal => Failure(
                $"refused the recipient ({(int)refusal.StatusCode})",
                IsTemporary(refusal)
            ),
            SmtpCommandException refusal => Failure($"refused ({(int)refusal.StatusCode})", IsTemporary(refusal)),
            SslHandshakeException => Failure(
                "could not be trusted, or speaks no TLS: check Security and its certificate",
                isTransient: false,
                e
            ),
            NotSupportedException => Failure(
                "cannot do what is needed: STARTTLS, a login, or an international address",
                isTransient: false
            ),
            SocketException or IOException or TimeoutException => Failure("cannot be reached, or hung up", isTransient: true, e),
            ProtocolException or ServiceNotConnectedException => Failure("hung up, or does not speak SMTP", isTransient: true),
            _ => Failure($"could not be given the message ({e.GetType().Name})", isTransient: false),
        };

    // RFC 5321 §4.2.1: 4yz is for now, 5yz for good.
    private static bool IsTemporary(Exception? e) =>
        e is SmtpCommandException { StatusCode: var status } && (int)status is >= 400 and < 500;

    private InvitationDeliveryException Failure(string what, bool isTransient, Exception? inner = null) =>
        new($"The mail server {_options.Host}:{_options.Port} {what}.", isTransient, inner);
}
