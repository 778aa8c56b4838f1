using System.Net;

namespace Insa.Iiot.Tenancy;

/// <summary>A tenant.</summary>
public sealed record Tenant
{
    /// <summary>Names it, for ever.</summary>
    public required TenantId Id { get; init; }

    /// <summary>What people call it.</summary>
    public required string DisplayName { get; init; }

    /// <summary>Where it is in its life.</summary>
    public required TenantState State { get; init; }

    /// <summary>The name of its plan.</summary>
    public required string Plan { get; init; }

    /// <summary>The tenant that it is part of; <see langword="null"/> for none.</summary>
    public TenantId? Parent { get; init; }

    /// <summary>Limits of its own, in place of its plan's; <see langword="null"/> is no limit.</summary>
    public IReadOnlyDictionary<string, long?> Limits { get; init; } = new Dictionary<string, long?>(StringComparer.Ordinal);

    /// <summary>Rates of its own, in place of its plan's; <see langword="null"/> is no limit. Each is written as <see cref="RateLimit"/> says.</summary>
    public IReadOnlyDictionary<string, string?> Rates { get; init; } = new Dictionary<string, string?>(StringComparer.Ordinal);

    /// <summary>Features that are on or off whatever its plan says.</summary>
    public IReadOnlyDictionary<string, bool> Features { get; init; } = new Dictionary<string, bool>(StringComparer.Ordinal);

    /// <summary>The networks that its people and programs may come from; empty for all.</summary>
    public IReadOnlyList<IPNetwork> AllowedNetworks { get; init; } = [];

    /// <summary>When it was made, UTC.</summary>
    public required DateTime CreatedAt { get; init; }

    /// <summary>Counts changes; what <see cref="TenantDirectory.UpdateAsync"/> compares.</summary>
    public required long Version { get; init; }
}
