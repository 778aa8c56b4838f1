namespace Insa.Iiot;

/// <summary>A registered device.</summary>
public sealed record Device
{
    /// <summary>Its id within the tenant.</summary>
    public required DeviceId Id { get; init; }

    /// <summary>A name for people, up to 200 characters; may be empty.</summary>
    public string DisplayName { get; init; } = "";

    /// <summary>The gateway that may publish for it, if any: another device of the tenant.</summary>
    public DeviceId? Gateway { get; init; }

    /// <summary>Whether it may connect.</summary>
    public DeviceState State { get; init; }

    /// <summary>When it was registered, UTC. Set by the registry.</summary>
    public DateTime CreatedAt { get; init; }

    /// <summary>1 when it was registered, and one more after each change of name, gateway or state. Set by the registry.</summary>
    public long Version { get; init; }
}
