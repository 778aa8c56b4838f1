namespace Insa.Iiot.Tenancy;

/// <summary>An entry of an audit log: see <see cref="AuditEvent"/>. An erased field is <see langword="null"/> or empty.</summary>
public sealed record AuditEntry
{
    /// <summary>Its place in the log: 1, 2, 3 and so on without gaps.</summary>
    public required long Sequence { get; init; }

    /// <summary>When it was logged, UTC, by the clock of the host that did.</summary>
    public required DateTime Time { get; init; }

    /// <summary>Who did it.</summary>
    public string? Actor { get; init; }

    /// <summary>What was done.</summary>
    public required string Action { get; init; }

    /// <summary>What it was done to.</summary>
    public string? Target { get; init; }

    /// <summary>Why it was refused; <see langword="null"/>: it was done.</summary>
    public string? Refusal { get; init; }

    /// <summary>Where the request came from.</summary>
    public string? SourceAddress { get; init; }

    /// <summary>What else is known.</summary>
    public required IReadOnlyDictionary<string, string> Details { get; init; }

    /// <summary>What was erased.</summary>
    public AuditFields Redacted { get; init; }
}
