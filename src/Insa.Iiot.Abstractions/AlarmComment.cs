namespace Insa.Iiot;

/// <summary>What somebody has said of an alarm.</summary>
public sealed record AlarmComment
{
    /// <summary>The longest text, in characters.</summary>
    public const int MaxTextLength = 1000;

    /// <summary>The text; empty if an earlier comment was taken back.</summary>
    public required string Text { get; init; }

    /// <summary>The name of the user, or <see langword="null"/> if it was none.</summary>
    public string? User { get; init; }

    /// <summary>When it was said, UTC.</summary>
    public required DateTime Time { get; init; }
}
