using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Text;
using MimeKit;
using MimeKit.Utils;

namespace Insa.Iiot.Tenancy.Delivery;

/// <summary>Writes the mail of an invitation. What comes from people is text in it, never a header, a placeholder or markup.</summary>
internal static class InvitationMail
{
    public const int MaxLine = 200;
    public const string LinkPlace = "{link}";

    private const string TenantPlace = "{tenant}";
    private const string ExpiresPlace = "{expires}";

    public static MimeMessage Write(
        SmtpInvitationOptions options,
        MailboxAddress to,
        Invitation invitation,
        string tenantName,
        string token,
        DateTimeOffset now
    )
    {
        var tenant = ToLine(tenantName);
        var expires = invitation.ExpiresAt.ToString("d MMMM yyyy HH:mm 'UTC'", CultureInfo.InvariantCulture);
        var link = LinkTo(options.AcceptUrl!, token);
        var from = ReadAddress(options.FromAddress);
        var message = new MimeMessage
        {
            Subject = Fill(options.Subject, tenant, expires, link: ""),
            Date = now,
            // The default would tell the name of this machine.
            MessageId = MimeUtils.GenerateMessageId(from.Domain),
            Body = new BodyBuilder
            {
                TextBody = Fill(options.Text, tenant, expires, link),
                HtmlBody = ToHtml(options.Text, tenant, expires, link),
            }.ToMessageBody(),
        };
        message.From.Add(new MailboxAddress(options.FromName, from.Address));
        message.To.Add(to);
        // RFC 3834 §5: nobody's holiday notice is to answer.
        message.Headers.Add(HeaderId.AutoSubmitted, "auto-generated");
        return message;
    }

    /// <summary>The page with the token in its fragment.</summary>
    public static string LinkTo(Uri page, string token) => $"{page.AbsoluteUri}#token={Uri.EscapeDataString(token)}";

    /// <summary>Reads one bare address: no display name, no list, no group, no route.</summary>
    public static bool TryReadAddress(string text, [NotNullWhen(true)] out MailboxAddress? address)
    {
        address = null;
        if (text.Length == 0 || text.Any(c => char.IsControl(c) || c is '<' or '>' or ',' or ';' or ':' or '"' or '(' or ')'))
            return false;
        return MailboxAddress.TryParse(text, out address) && address.Address == text && address.Domain.Length > 0;
    }

    /// <summary>Makes one line of a text: what could break it, or could command a terminal, becomes a space.</summary>
    public static string ToLine(string text)
    {
        var line = new StringBuilder(Math.Min(text.Length, MaxLine));
        foreach (var rune in text.EnumerateRunes())
        {
            if (line.Length + rune.Utf16SequenceLength > MaxLine)
                break;
            var isUnprintable =
                Rune.GetUnicodeCategory(rune)
                is UnicodeCategory.Control
                    or UnicodeCategory.Format
                    or UnicodeCategory.LineSeparator
                    or UnicodeCategory.ParagraphSeparator;
            line.Append(isUnprintable ? " " : rune.ToString());
        }

        return line.ToString();
    }

    private static MailboxAddress ReadAddress(string text) =>
        TryReadAddress(text, out var address) ? address : throw new InvalidOperationException("The sender's address is none.");

    // In one pass: a tenant that is called {link} is called so, and gets no link.
    private static string Fill(string text, string tenant, string expires, string link)
    {
        var filled = new StringBuilder(text.Length + tenant.Length + expires.Length + link.Length);
        for (var rest = text.AsSpan(); rest.Length > 0; )
        {
            var (place, value) =
                rest.StartsWith(TenantPlace, StringComparison.Ordinal) ? (TenantPlace, tenant)
                : rest.StartsWith(ExpiresPlace, StringComparison.Ordinal) ? (ExpiresPlace, expires)
                : rest.StartsWith(LinkPlace, StringComparison.Ordinal) ? (LinkPlace, link)
                : (" ", null);
            if (value is null)
                filled.Append(rest[0]);
            else
                filled.Append(value);
            rest = rest[place.Length..];
        }

        return filled.ToString();
    }

    private static string ToHtml(string text, string tenant, string expires, string link)
    {
        // Encoded before it is filled: braces stay as they are, and what is filled in is encoded by itself.
        var href = WebUtility.HtmlEncode(link);
        var filled = Fill(
            WebUtility.HtmlEncode(text.ReplaceLineEndings("\n")),
            WebUtility.HtmlEncode(tenant),
            expires,
            $"<a href=\"{href}\">{href}</a>"
        );
        var paragraphs = filled
            .Split("\n\n", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(paragraph => $"<p>{paragraph.Replace("\n", "<br>", StringComparison.Ordinal)}</p>");
        return $"<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head><body>\n{string.Join('\n', paragraphs)}\n</body></html>\n";
    }
}
