using System.Text;

namespace Insa.Iiot.Tenancy.Audit;

/// <summary>Makes a record of an event, within its bounds.</summary>
internal static class AuditEventText
{
    private const int MaxActor = 200;
    private const int MaxAction = 64;
    private const int MaxText = 500;
    private const int MaxSourceAddress = 64;
    private const int MaxDetails = 16;
    private const int MaxDetailName = 64;

    /// <exception cref="ArgumentException">The event is not one: what callers write themselves is refused, what strangers may have sent is cut.</exception>
    public static AuditRecord ToRecord(AuditEvent happened, DateTime time)
    {
        ArgumentNullException.ThrowIfNull(happened);
        ArgumentException.ThrowIfNullOrWhiteSpace(happened.Actor, nameof(happened.Actor));
        CheckAction(happened.Action);
        if (happened.Refusal is not null)
            ArgumentException.ThrowIfNullOrWhiteSpace(happened.Refusal, nameof(happened.Refusal));
        CheckDetails(happened.Details);
        return new AuditRecord(
            Sequence: 0,
            time,
            happened.Action,
            AuditTextRecord.Of(Clean(happened.Actor, MaxActor)),
            AuditTextRecord.Of(Clean(happened.Target, MaxText)),
            AuditTextRecord.Of(Clean(happened.SourceAddress, MaxSourceAddress)),
            AuditDetailsRecord.Of(happened.Details.Select(detail => new AuditDetail(detail.Key, Clean(detail.Value, MaxText) ?? ""))),
            Leaf: [],
            Clean(happened.Refusal, MaxText)
        );
    }

    private static void CheckAction(string action)
    {
        ArgumentException.ThrowIfNullOrEmpty(action);
        var isValid =
            action.Length <= MaxAction
            && action.Split('.') is { Length: 2 } parts
            && Array.TrueForAll(parts, part => part.Length > 0 && part.All(c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '-'));
        if (!isValid)
            throw new ArgumentException(
                $"An action is resource.verb, each part of a-z, 0-9 and '-', {MaxAction} characters at most.",
                nameof(action)
            );
    }

    private static void CheckDetails(IReadOnlyDictionary<string, string> details)
    {
        ArgumentNullException.ThrowIfNull(details);
        if (details.Count > MaxDetails || !details.Keys.All(IsDetailName))
            throw new ArgumentException(
                $"There are at most {MaxDetails} details, with names of 1 to {MaxDetailName} characters of A-Z, a-z, 0-9, '.', '_' and '-'.",
                nameof(details)
            );
    }

    private static bool IsDetailName(string name) =>
        name.Length is > 0 and <= MaxDetailName && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');

    private static string? Clean(string? text, int maxLength)
    {
        if (text is null)
            return null;
        const char Ellipsis = '…';
        var isLong = text.Length > maxLength;

        // A pair that is cut apart leaves a lone surrogate, which is replaced as well.
        var kept = isLong ? text.AsSpan(0, maxLength - 1) : text.AsSpan();
        var clean = new StringBuilder(kept.Length + 1);
        foreach (var rune in kept.EnumerateRunes())
            clean.Append(rune.Value == 0 ? Rune.ReplacementChar : rune);
        return isLong ? clean.Append(Ellipsis).ToString() : clean.ToString();
    }
}
