using System.Net;
using Insa.Iiot.Tenancy.Delivery;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Tenancy;

internal sealed class SmtpInvitationOptionsValidator : IValidateOptions<SmtpInvitationOptions>
{
    private static readonly TimeSpan ShortestTimeout = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestTimeout = TimeSpan.FromMinutes(2);

    public ValidateOptionsResult Validate(string? name, SmtpInvitationOptions options)
    {
        var result = new ValidateOptionsResultBuilder();
        CheckServer(options, result);
        CheckMail(options, result);
        return result.Build();
    }

    private static void CheckServer(SmtpInvitationOptions options, ValidateOptionsResultBuilder result)
    {
        if (Uri.CheckHostName(options.Host) == UriHostNameType.Unknown)
            result.AddError($"must be the name or the address of a mail server, not '{options.Host}'.", nameof(options.Host));
        if (options.Port is < 1 or > 65_535)
            result.AddError($"must be from 1 to 65535, not {options.Port}.", nameof(options.Port));
        if (!Enum.IsDefined(options.Security))
            result.AddError($"is no way to protect a connection: {options.Security}.", nameof(options.Security));
        if (options.Security == SmtpSecurity.None && !IsLoopback(options.Host))
            result.AddError($"may be None only for a server on the same machine, not for '{options.Host}'.", nameof(options.Security));
        if (string.IsNullOrEmpty(options.User) != string.IsNullOrEmpty(options.Password))
            result.AddError("goes with a User: give both, or neither.", nameof(options.Password));
        if (options.Timeout < ShortestTimeout || options.Timeout > LongestTimeout)
            result.AddError($"must be from {ShortestTimeout} to {LongestTimeout}, not {options.Timeout}.", nameof(options.Timeout));
    }

    private static void CheckMail(SmtpInvitationOptions options, ValidateOptionsResultBuilder result)
    {
        if (!InvitationMail.TryReadAddress(options.FromAddress, out _))
            result.AddError($"must be an e-mail address, not '{options.FromAddress}'.", nameof(options.FromAddress));
        if (options.FromName.Length > InvitationMail.MaxLine || InvitationMail.ToLine(options.FromName) != options.FromName)
            result.AddError("must be one line of at most 200 characters.", nameof(options.FromName));
        if (!IsPage(options.AcceptUrl))
            result.AddError(
                $"must be an absolute https URL (http only for the same machine) without user and fragment, not '{options.AcceptUrl}'.",
                nameof(options.AcceptUrl)
            );
        if (
            options.Subject.Length is 0 or > InvitationMail.MaxLine
            || InvitationMail.ToLine(options.Subject) != options.Subject
            || options.Subject.Contains(InvitationMail.LinkPlace, StringComparison.Ordinal)
        )
            result.AddError("must be one line of 1 to 200 characters without {link}.", nameof(options.Subject));
        if (!options.Text.Contains(InvitationMail.LinkPlace, StringComparison.Ordinal))
            result.AddError("must contain {link}.", nameof(options.Text));
    }

    private static bool IsLoopback(string host) =>
        string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));

    private static bool IsPage(Uri? url) =>
        url is { IsAbsoluteUri: true, UserInfo: "", Fragment: "" }
        && (url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && IsLoopback(url.DnsSafeHost)));
}
