namespace Insa.Iiot.Tenancy;

/// <summary>Something that happened and is to be logged. Never put a secret or a payload in it.</summary>
/// <remarks>
/// Texts that are too long are cut, ending in <c>…</c>: what a stranger sends must not keep it from being logged. Characters that no store keeps
/// (NUL, lone surrogates) become U+FFFD.
/// </remarks>
public sealed record AuditEvent
{
    /// <summary>Who did it: the id of a user, key or host. Cut after 200 characters. Erasable.</summary>
    public required string Actor { get; init; }

    /// <summary>What was done, as <c>resource.verb</c>, each part of <c>a-z 0-9 -</c>: <c>device.create</c>. At most 64 characters.</summary>
    public required string Action { get; init; }

    /// <summary>What it was done to. Cut after 500 characters. Erasable.</summary>
    public string? Target { get; init; }

    /// <summary>Why it was refused, such as <c>quota-exceeded</c>; <see langword="null"/>: it was done. Cut after 500 characters. Stays for ever: no personal data.</summary>
    public string? Refusal { get; init; }

    /// <summary>Where the request came from. Cut after 64 characters. Erasable.</summary>
    public string? SourceAddress { get; init; }

    /// <summary>
    /// What else is to be known: at most 16, with names of 1 to 64 characters of <c>A-Z a-z 0-9 . _ -</c>, and values that are cut after 500
    /// characters. Erasable.
    /// </summary>
    public IReadOnlyDictionary<string, string> Details { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);
}
