namespace Insa.Iiot;

/// <summary>What a user does about an alarm.</summary>
public sealed record AlarmAction
{
    /// <summary>The alarm, by its <see cref="AlarmState.AlarmId"/>.</summary>
    public required string AlarmId { get; init; }

    /// <summary>The state that the user has seen, by its <see cref="AlarmState.Version"/>.</summary>
    public required long Version { get; init; }

    /// <summary>The full name of the user.</summary>
    public required string User { get; init; }

    /// <summary>What they say of it, up to 1000 characters; empty to take the last comment back, <see langword="null"/> to leave it.</summary>
    public string? Comment { get; init; }
}
