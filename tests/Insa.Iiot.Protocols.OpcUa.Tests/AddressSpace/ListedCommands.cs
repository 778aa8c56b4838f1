namespace Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace;

/// <summary>Commands in a list.</summary>
internal sealed class ListedCommands : IDeviceCommands
{
    event Action<TenantId, DeviceId>? IDeviceCommands.Changed
    {
        add { }
        remove { }
    }

    public List<(TenantId Tenant, DeviceCommand Command)> Sent { get; } = [];

    public ValueTask<DeviceCommand> SendAsync(
        TenantId tenant,
        DeviceId device,
        DeviceCommandRequest request,
        CancellationToken cancellationToken = default
    )
    {
        if (request.Name.Length == 0)
            throw new ArgumentException("A command has a name.", nameof(request));
        var command = new DeviceCommand
        {
            Device = device,
            Id = Sent.Count + 1,
            Name = request.Name,
            Data = request.Data,
            NeedsAnswer = request.NeedsAnswer,
            CreatedAt = DateTime.UnixEpoch,
            ExpiresAt = DateTime.UnixEpoch + request.Lifetime,
        };
        Sent.Add((tenant, command));
        return new(command);
    }

    public ValueTask<DeviceCommand?> FindAsync(TenantId tenant, DeviceId device, long id, CancellationToken cancellationToken = default) =>
        new(
            Sent.Where(sent => sent.Tenant == tenant && sent.Command.Device == device && sent.Command.Id == id)
                .Select(sent => sent.Command)
                .FirstOrDefault()
        );

    public async ValueTask<DeviceCommand?> CancelAsync(
        TenantId tenant,
        DeviceId device,
        long id,
        CancellationToken cancellationToken = default
    )
    {
        var command = await FindAsync(tenant, device, id, cancellationToken);
        return command is null ? null : command with { State = DeviceCommandState.Cancelled };
    }

    public ValueTask<IReadOnlyList<DeviceCommand>> ReadOpenAsync(
        TenantId tenant,
        DeviceId device,
        CancellationToken cancellationToken = default
    ) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<DeviceCommand>> ListAsync(
        TenantId tenant,
        DeviceId device,
        long? before,
        int limit,
        CancellationToken cancellationToken = default
    ) => throw new NotSupportedException();

    public ValueTask ConfirmAsync(
        TenantId tenant,
        DeviceId device,
        IReadOnlyList<long> ids,
        CancellationToken cancellationToken = default
    ) => throw new NotSupportedException();

    public ValueTask<DeviceCommand?> AnswerAsync(
        TenantId tenant,
        DeviceId device,
        long id,
        DeviceCommandAnswer answer,
        CancellationToken cancellationToken = default
    ) => throw new NotSupportedException();

    public ValueTask ClearAsync(TenantId tenant, DeviceId device, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();
}
