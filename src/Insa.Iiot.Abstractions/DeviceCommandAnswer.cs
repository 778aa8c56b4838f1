namespace Insa.Iiot;

/// <summary>What a device answers a command.</summary>
public sealed record DeviceCommandAnswer
{
    /// <summary>The most bytes of data.</summary>
    public const int MaxDataBytes = 16 * 1024;

    /// <summary>Whether it was done.</summary>
    public required bool IsSuccess { get; init; }

    /// <summary>What <see cref="Data"/> is, as a media type; <see langword="null"/> if the device does not say.</summary>
    public string? ContentType { get; init; }

    /// <summary>What the device has to say, as it said it, at most 16 KiB.</summary>
    public ReadOnlyMemory<byte> Data { get; init; }
}
