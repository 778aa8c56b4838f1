namespace Insa.Iiot;

/// <summary>An alarm of a device, as it is at one moment. The same alarm comes again and again, each time in a state of its own.</summary>
public sealed record AlarmState
{
    /// <summary>The longest id, in characters.</summary>
    public const int MaxIdLength = 128;

    /// <summary>The longest name, in characters.</summary>
    public const int MaxNameLength = 200;

    /// <summary>The longest message, in characters.</summary>
    public const int MaxMessageLength = 1000;

    /// <summary>The highest severity; the lowest is 1.</summary>
    public const int MaxSeverity = 1000;

    /// <summary>Whose alarm it is.</summary>
    public required TenantId Tenant { get; init; }

    /// <summary>Names the alarm within the tenant for good, also while it is not there: 1 to 128 characters of <c>A-Z a-z 0-9 . _ -</c>.</summary>
    public required string AlarmId { get; init; }

    /// <summary>The device it is of.</summary>
    public required DeviceId Device { get; init; }

    /// <summary>The metric it watches; <see langword="null"/> if it is not of one metric.</summary>
    public string? Metric { get; init; }

    /// <summary>What people call it: 1 to 200 characters.</summary>
    public required string Name { get; init; }

    /// <summary>Counts the alarm's states, 1 and up: whoever is told of one that is not newer than the one they have passes it over.</summary>
    public required long Version { get; init; }

    /// <summary>Whether what it watches for is the case.</summary>
    public required bool IsActive { get; init; }

    /// <summary>Whether somebody has acknowledged it since it last became active.</summary>
    public required bool IsAcknowledged { get; init; }

    /// <summary>How much it matters, 1 to 1000, as OPC UA has it: 1 hardly at all.</summary>
    public required int Severity { get; init; }

    /// <summary>What is the case, for people, up to 1000 characters.</summary>
    public required string Message { get; init; }

    /// <summary>When it came to this state, UTC.</summary>
    public required DateTime Time { get; init; }

    /// <summary>The last comment on it, if there is one.</summary>
    public AlarmComment? Comment { get; init; }

    /// <summary>Whether it still matters to those who look now: it is active, or not acknowledged.</summary>
    public bool IsRetained => IsActive || !IsAcknowledged;
}
