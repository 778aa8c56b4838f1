namespace Insa.Iiot;

/// <summary>How a device proves who it is.</summary>
public enum DeviceCredentialKind
{
    /// <summary>By the secret of <see cref="IDeviceRegistry.RotateSecretAsync"/>.</summary>
    Password,

    /// <summary>By the key of <see cref="IDevicePskStore.SetPskAsync"/>.</summary>
    PreSharedKey,

    /// <summary>By a client certificate.</summary>
    Certificate,
}
