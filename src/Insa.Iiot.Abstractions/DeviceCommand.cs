namespace Insa.Iiot;

/// <summary>A command on its way to a device, or past its end.</summary>
public sealed record DeviceCommand
{
    /// <summary>The device.</summary>
    public required DeviceId Device { get; init; }

    /// <summary>Numbers the device's commands, 1 and up in the order in which they were sent. One that comes twice is the same command.</summary>
    public required long Id { get; init; }

    /// <summary>What is to be done.</summary>
    public required string Name { get; init; }

    /// <summary>The arguments: one JSON value in UTF-8; empty for none.</summary>
    public ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>Whether it stays open until the device has answered it.</summary>
    public bool NeedsAnswer { get; init; }

    /// <summary>When it was sent, UTC.</summary>
    public required DateTime CreatedAt { get; init; }

    /// <summary>When it is too late, UTC.</summary>
    public required DateTime ExpiresAt { get; init; }

    /// <summary>How far it has come.</summary>
    public DeviceCommandState State { get; init; }

    /// <summary>When the device first confirmed that it has it, UTC.</summary>
    public DateTime? DeliveredAt { get; init; }

    /// <summary>When it came to its end, UTC.</summary>
    public DateTime? ClosedAt { get; init; }

    /// <summary>What the device has answered.</summary>
    public DeviceCommandAnswer? Answer { get; init; }
}
