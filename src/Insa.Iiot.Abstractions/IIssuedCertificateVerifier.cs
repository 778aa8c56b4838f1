namespace Insa.Iiot;

/// <summary>
/// Says for which device a client certificate stands that no device has registered: one that an authority issued which the device's tenant trusts.
/// Asked by <see cref="IDeviceAuthenticator"/>s, where a host has one. Thread-safe.
/// </summary>
public interface IIssuedCertificateVerifier
{
    /// <summary>Verifies a certificate. Whether the device exists and may connect is for the caller to see.</summary>
    /// <param name="credential">A credential with its <see cref="DeviceCredential.Certificate"/>; of others it knows nothing.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns><see langword="null"/> if no authority of the tenant it names has issued it, or it does not hold now.</returns>
    /// <exception cref="TelemetryStoreException">What is trusted cannot be read: not the same as "unknown".</exception>
    ValueTask<DeviceIdentity?> VerifyAsync(DeviceCredential credential, CancellationToken cancellationToken = default);
}
