using Insa.Iiot.Protocols.OpcUa.Security;

namespace Insa.Iiot.Protocols.OpcUa.SecureChannel;

/// <summary>A channel's keys for a while (Part 4 §5.6.2).</summary>
/// <param name="id">Names it on the channel.</param>
/// <param name="createdAt">When it was made, as <see cref="TimeProvider.GetTimestamp"/> has it: no clock that can be set decides on it.</param>
/// <param name="lifetime">How long the client has to renew it.</param>
/// <param name="receiving">The client's keys; <see langword="null"/> if nothing is secured.</param>
/// <param name="sending">The server's keys.</param>
internal sealed class SecurityToken(uint id, long createdAt, TimeSpan lifetime, SymmetricKeys? receiving, SymmetricKeys? sending)
    : IDisposable
{
    public uint Id { get; } = id;

    public SymmetricKeys? Receiving { get; } = receiving;

    public SymmetricKeys? Sending { get; } = sending;

    /// <summary>Until when messages under it are taken: a quarter longer than it lives, since the client counts from when it heard of it (Part 4 §5.6.2).</summary>
    public TimeSpan Grace { get; } = lifetime * 1.25;

    public bool IsExpired(TimeProvider time) => time.GetElapsedTime(createdAt) > Grace;

    public void Dispose()
    {
        Receiving?.Dispose();
        Sending?.Dispose();
    }
}
