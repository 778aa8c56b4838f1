namespace Insa.Iiot;

/// <summary>A command to be sent to a device.</summary>
public sealed record DeviceCommandRequest
{
    /// <summary>The longest name, in characters.</summary>
    public const int MaxNameLength = 128;

    /// <summary>The most bytes of data.</summary>
    public const int MaxDataBytes = 16 * 1024;

    /// <summary>What is to be done, such as <c>open-valve</c>: 1 to 128 characters, none of them a control character.</summary>
    public required string Name { get; init; }

    /// <summary>The arguments: one JSON value in UTF-8 of at most 16 KiB, nested at most 32 deep; empty for none.</summary>
    public ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>Whether the command stays open until the device has answered it.</summary>
    public bool NeedsAnswer { get; init; }

    /// <summary>How long the device has, from now on: 1 s to 30 days. Default 1 day.</summary>
    public TimeSpan Lifetime { get; init; } = TimeSpan.FromDays(1);
}
