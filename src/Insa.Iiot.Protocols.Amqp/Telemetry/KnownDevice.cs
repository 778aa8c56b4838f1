namespace Insa.Iiot.Protocols.Amqp.Telemetry;

/// <summary>What is known of a device's name.</summary>
/// <param name="session">Its session; <see langword="null"/> if there is no such device, or it is disabled.</param>
/// <param name="readAt">When that was so.</param>
internal sealed class KnownDevice(DeviceSession? session, long readAt)
{
    private int _isClaimed;

    public DeviceSession? Session => session;

    public long ReadAt => readAt;

    /// <summary>Lets one caller read it anew.</summary>
    public bool TryClaim() => Interlocked.Exchange(ref _isClaimed, 1) == 0;
}
