namespace Insa.Iiot;

/// <summary>Turns what a device shows at connect into its session. Thread-safe.</summary>
public interface IDeviceAuthenticator
{
    /// <summary>Checks a credential, in the same time for an unknown device and a wrong secret.</summary>
    /// <returns><see langword="null"/> if it does not hold.</returns>
    /// <exception cref="TelemetryStoreException">The credential store cannot be reached: not the same as "unknown".</exception>
    ValueTask<DeviceSession?> AuthenticateAsync(DeviceCredential credential, CancellationToken cancellationToken = default);
}
