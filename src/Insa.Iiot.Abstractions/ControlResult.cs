namespace Insa.Iiot;

/// <summary>What came of a commit.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Change">The place of the first change that could not be made; -1 if all were.</param>
public readonly record struct ControlResult(ControlOutcome Outcome, int Change)
{
    /// <summary>All changes were made.</summary>
    public static ControlResult Done { get; } = new(ControlOutcome.Done, -1);
}
