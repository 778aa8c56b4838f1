using System.Text;

namespace Insa.Iiot.Protocols.Amqp.Events;

/// <summary>What an event may be.</summary>
internal static class EventRules
{
    public static void Check(PlatformEvent one)
    {
        ArgumentNullException.ThrowIfNull(one);
        if (!one.Tenant.IsSpecified)
            throw Bad(nameof(one), "An event is a tenant's.");
        if (one.Type is not { Length: > 0 and <= PlatformEvent.MaxNameLength } || !one.Type.All(IsOfType))
            throw Bad(nameof(one), "An event's type is 1 to 128 characters of A-Z, a-z, 0-9, '.', '_' and '-'.");
        if (one.Subject is { } subject && !IsText(subject))
            throw Bad(nameof(one), "An event's subject is 1 to 255 characters, none of them a control character.");
        if (
            one.DataContentType is { } type
            && (type.Length is 0 or > PlatformEvent.MaxTextLength || !type.All(c => c is >= ' ' and <= '~'))
        )
            throw Bad(nameof(one), "An event's content type is 1 to 255 characters of ASCII.");
        if (one.Id is { } id && (id.Length is 0 or > PlatformEvent.MaxNameLength || !id.All(c => c is > ' ' and <= '~')))
            throw Bad(nameof(one), "An event's id is 1 to 128 characters of ASCII without spaces.");
        if (one.Data.Length > PlatformEvent.MaxDataBytes)
            throw Bad(nameof(one), "An event's data is at most 64 KiB.");
    }

    private static bool IsOfType(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-';

    // Half of a surrogate pair is no text: not every store can keep it.
    private static bool IsText(string text) =>
        text.Length is > 0 and <= PlatformEvent.MaxTextLength
        && !text.Any(char.IsControl)
        && text.EnumerateRunes().All(rune => rune != Rune.ReplacementChar);

    private static ArgumentException Bad(string parameter, string message) => new(message, parameter);
}
