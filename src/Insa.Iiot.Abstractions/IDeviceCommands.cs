namespace Insa.Iiot;

/// <summary>
/// The commands of devices: kept until the device has them, by whatever protocol it is connected, and delivered at least once, in order. Thread-safe,
/// and safe between hosts.
/// </summary>
/// <remarks>
/// A protocol adapter that delivers commands follows <see cref="Changed"/>, takes what a device that is connected has open, and reports what it has
/// confirmed. Of a device at most <see cref="MaxOpen"/> commands are open, and its last <see cref="MaxKept"/> are kept. All methods may throw
/// <see cref="TelemetryStoreException"/>.
/// </remarks>
public interface IDeviceCommands
{
    /// <summary>The most commands of a device that are open at a time.</summary>
    const int MaxOpen = 64;

    /// <summary>The most commands of a device that are kept, open ones included.</summary>
    const int MaxKept = 256;

    /// <summary>
    /// Tells that a device's open commands may have changed, on this host or another. Told without order, and now and then for nothing; handlers return at once.
    /// </summary>
    event Action<TenantId, DeviceId>? Changed;

    /// <summary>Sends a command; durable when it returns.</summary>
    /// <exception cref="ArgumentException">The request is not valid.</exception>
    /// <exception cref="LimitReachedException">The device has <see cref="MaxOpen"/> open commands.</exception>
    ValueTask<DeviceCommand> SendAsync(
        TenantId tenant,
        DeviceId device,
        DeviceCommandRequest request,
        CancellationToken cancellationToken = default
    );

    /// <summary>Reads a device's open commands, in order: those that wait, and those that were delivered and need an answer.</summary>
    ValueTask<IReadOnlyList<DeviceCommand>> ReadOpenAsync(TenantId tenant, DeviceId device, CancellationToken cancellationToken = default);

    /// <summary>Lists all of a device's commands that are kept, the latest first.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="device">The device.</param>
    /// <param name="before">Only commands with a smaller id; <see langword="null"/> for all.</param>
    /// <param name="limit">At most so many, 1 or more.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    ValueTask<IReadOnlyList<DeviceCommand>> ListAsync(
        TenantId tenant,
        DeviceId device,
        long? before,
        int limit,
        CancellationToken cancellationToken = default
    );

    /// <summary>Finds a command that is kept.</summary>
    ValueTask<DeviceCommand?> FindAsync(TenantId tenant, DeviceId device, long id, CancellationToken cancellationToken = default);

    /// <summary>The device has confirmed that it has commands. Those that are not open, or confirmed already, are passed over.</summary>
    ValueTask ConfirmAsync(TenantId tenant, DeviceId device, IReadOnlyList<long> ids, CancellationToken cancellationToken = default);

    /// <summary>The device answers a command, whether it needs an answer or not.</summary>
    /// <returns>The command as it is kept now, if it is: with another's answer if it was answered before; <see langword="null"/> if there is none.</returns>
    /// <exception cref="ArgumentException">The answer is not valid.</exception>
    ValueTask<DeviceCommand?> AnswerAsync(
        TenantId tenant,
        DeviceId device,
        long id,
        DeviceCommandAnswer answer,
        CancellationToken cancellationToken = default
    );

    /// <summary>Takes an open command back. The device may have carried it out nevertheless.</summary>
    /// <returns>The command as it is kept now; <see langword="null"/> if there is none.</returns>
    ValueTask<DeviceCommand?> CancelAsync(TenantId tenant, DeviceId device, long id, CancellationToken cancellationToken = default);

    /// <summary>Deletes all of a device's commands, as when the device is removed.</summary>
    ValueTask ClearAsync(TenantId tenant, DeviceId device, CancellationToken cancellationToken = default);
}
