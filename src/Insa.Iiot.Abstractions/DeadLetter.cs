namespace Insa.Iiot;

/// <summary>A message that could not be stored, kept for people to look at.</summary>
public sealed record DeadLetter
{
    /// <summary>A number given by the store, ascending.</summary>
    public long Id { get; init; }

    /// <summary>Whose it is.</summary>
    public required TenantId Tenant { get; init; }

    /// <summary>The device that sent it.</summary>
    public required DeviceId Device { get; init; }

    /// <summary>When it arrived, UTC.</summary>
    public required DateTime ReceivedAt { get; init; }

    /// <summary>Why it was refused.</summary>
    public required IngestReason Reason { get; init; }

    /// <summary>The media type of <see cref="Payload"/>.</summary>
    public required string MediaType { get; init; }

    /// <summary>The bytes as they came; of a frame that the store refused, the frame as platform JSON.</summary>
    public required ReadOnlyMemory<byte> Payload { get; init; }
}
