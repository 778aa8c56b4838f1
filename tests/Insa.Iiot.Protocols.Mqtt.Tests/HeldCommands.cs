namespace Insa.Iiot.Protocols.Mqtt.Tests;

/// <summary>Commands whose answers can be held, or refused for lack of a store.</summary>
internal sealed class HeldCommands(IDeviceCommands commands) : IDeviceCommands
{
    public event Action<TenantId, DeviceId>? Changed
    {
        add => commands.Changed += value;
        remove => commands.Changed -= value;
    }

    public TaskCompletionSource Begun { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TaskCompletionSource? Gate { get; set; }

    public bool IsDown { get; set; }

    public ValueTask<DeviceCommand> SendAsync(
        TenantId tenant,
        DeviceId device,
        DeviceCommandRequest request,
        CancellationToken cancellationToken = default
    ) => commands.SendAsync(tenant, device, request, cancellationToken);

    public ValueTask<IReadOnlyList<DeviceCommand>> ReadOpenAsync(
        TenantId tenant,
        DeviceId device,
        CancellationToken cancellationToken = default
    ) => commands.ReadOpenAsync(tenant, device, cancellationToken);

    public ValueTask<IReadOnlyList<DeviceCommand>> ListAsync(
        TenantId tenant,
        DeviceId device,
        long? before,
        int limit,
        CancellationToken cancellationToken = default
    ) => commands.ListAsync(tenant, device, before, limit, cancellationToken);

    public ValueTask<DeviceCommand?> FindAsync(TenantId tenant, DeviceId device, long id, CancellationToken cancellationToken = default) =>
        commands.FindAsync(tenant, device, id, cancellationToken);

    public ValueTask ConfirmAsync(
        TenantId tenant,
        DeviceId device,
        IReadOnlyList<long> ids,
        CancellationToken cancellationToken = default
    ) => commands.ConfirmAsync(tenant, device, ids, cancellationToken);

    public async ValueTask<DeviceCommand?> AnswerAsync(
        TenantId tenant,
        DeviceId device,
        long id,
        DeviceCommandAnswer answer,
        CancellationToken cancellationToken = default
    )
    {
        Begun.TrySetResult();
        if (Gate is { } gate)
            await gate.Task.WaitAsync(cancellationToken);
        if (IsDown)
            throw new TelemetryStoreException("The store is down.", isTransient: true);
        return await commands.AnswerAsync(tenant, device, id, answer, cancellationToken);
    }

    public ValueTask<DeviceCommand?> CancelAsync(
        TenantId tenant,
        DeviceId device,
        long id,
        CancellationToken cancellationToken = default
    ) => commands.CancelAsync(tenant, device, id, cancellationToken);

    public ValueTask ClearAsync(TenantId tenant, DeviceId device, CancellationToken cancellationToken = default) =>
        commands.ClearAsync(tenant, device, cancellationToken);
}
