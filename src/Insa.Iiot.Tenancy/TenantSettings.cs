namespace Insa.Iiot.Tenancy;

/// <summary>What a tenant is made with, or is changed to be.</summary>
public sealed record TenantSettings
{
    /// <summary>What people call it: 1 to 200 characters.</summary>
    public required string DisplayName { get; init; }

    /// <summary>The name of its plan; <see langword="null"/> for the default plan.</summary>
    public string? Plan { get; init; }

    /// <summary>Limits of its own, in place of its plan's; <see langword="null"/> is no limit.</summary>
    public IReadOnlyDictionary<string, long?> Limits { get; init; } = new Dictionary<string, long?>(StringComparer.Ordinal);

    /// <summary>Rates of its own, in place of its plan's; <see langword="null"/> is no limit. Each is written as <see cref="RateLimit"/> says.</summary>
    public IReadOnlyDictionary<string, string?> Rates { get; init; } = new Dictionary<string, string?>(StringComparer.Ordinal);

    /// <summary>Features that are on or off whatever its plan says.</summary>
    public IReadOnlyDictionary<string, bool> Features { get; init; } = new Dictionary<string, bool>(StringComparer.Ordinal);
}
