using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.Events;
using Microsoft.Extensions.Hosting;

namespace Insa.Iiot.Protocols.OpcUa.Alarms;

/// <summary>Brings the changes of alarms into the spaces that there are, where the host has a source of alarms.</summary>
internal sealed class AlarmFeed(TenantSpaces spaces, EventMaker maker, IAlarmSource? source = null) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (source is not null)
            source.Changed += Take;
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        if (source is not null)
            source.Changed -= Take;
        return Task.CompletedTask;
    }

    private void Take(AlarmState state) => spaces.Find(state.Tenant)?.Alarms.Change(state, maker);
}
