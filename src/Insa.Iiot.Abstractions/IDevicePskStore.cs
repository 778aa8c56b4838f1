namespace Insa.Iiot;

/// <summary>Keeps the pre-shared keys of devices, for (D)TLS. A server needs the key itself, so it is kept sealed and not as a hash. Thread-safe.</summary>
public interface IDevicePskStore
{
    /// <summary>Gives a device a new random key of 256 bits, in place of any before. The device must be told it now.</summary>
    /// <returns><see langword="null"/> if there is no such device.</returns>
    /// <exception cref="InvalidOperationException">The store has no key to seal it with; the message says what to configure.</exception>
    ValueTask<DevicePsk?> SetPskAsync(TenantId tenant, DeviceId device, CancellationToken cancellationToken = default);

    /// <summary>Finds the key of an identity, for a handshake; what the handshake has proved is told by <see cref="DeviceCredential.FromPsk"/>.</summary>
    /// <returns><see langword="null"/> if it names no enabled device with a key.</returns>
    /// <exception cref="InvalidOperationException">The store has no key to open it with; the message says what to configure.</exception>
    /// <exception cref="TelemetryStoreException">The store cannot be reached, or the key was sealed with another.</exception>
    ValueTask<DevicePsk?> FindPskAsync(string identity, CancellationToken cancellationToken = default);
}
