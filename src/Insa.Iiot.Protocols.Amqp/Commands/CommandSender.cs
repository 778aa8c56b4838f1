using Insa.Iiot.Protocols.Amqp.Connections;
using Insa.Iiot.Protocols.Amqp.Diagnostics;
using Insa.Iiot.Protocols.Amqp.Publishing;
using Insa.Iiot.Protocols.Amqp.Topology;

namespace Insa.Iiot.Protocols.Amqp.Commands;

/// <summary>
/// Sends a tenant's commands: of a device in order, of several devices at once. What waits is in <see cref="IDeviceCommands"/>, so nothing is lost here; all
/// devices are walked over at the start, and when there was more news than room.
/// </summary>
internal sealed class CommandSender(AmqpCommandBinding binding, BrokerPublisher publisher, CommandContext context)
{
    private const int Workers = 4;
    private const int MaxDevices = 10_000;
    private const int PageSize = 500;
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan StorePause = TimeSpan.FromSeconds(5);

    // News is a hint, and may be missed: a host that could not ask the store for it for long has not heard of it.
    private static readonly TimeSpan WalkInterval = TimeSpan.FromHours(1);
    private static readonly TimeSpan WalkPause = TimeSpan.FromMinutes(1);

    private readonly Agenda<DeviceId> _agenda = new(MaxDevices, context.Time);
    private bool _isFailureTold;

    /// <summary>There is news of a device.</summary>
    public void Note(DeviceId device) => _agenda.Add(device);

    public Task RunAsync(CancellationToken stopping) =>
        Task.WhenAll([WalkAsync(stopping), PromoteAsync(stopping), .. Enumerable.Range(0, Workers).Select(_ => WorkAsync(stopping))]);

    private async Task WorkAsync(CancellationToken stopping)
    {
        while (true)
        {
            var device = await _agenda.TakeAsync(stopping).ConfigureAwait(false);
            TimeSpan? again = StorePause;
            try
            {
                again = await SendAsync(device, stopping).ConfigureAwait(false);
                _isFailureTold = false;
            }
            catch (Exception e) when (!stopping.IsCancellationRequested)
            {
                Tell(e);
            }
            finally
            {
                _agenda.Done(device, again);
            }
        }
    }

    /// <returns>When to try again, if something is left.</returns>
    private async ValueTask<TimeSpan?> SendAsync(DeviceId device, CancellationToken stopping)
    {
        var open = await context.Commands.ReadOpenAsync(binding.Tenant, device, stopping).ConfigureAwait(false);
        var sent = new List<long>();
        TimeSpan? again = null;
        foreach (var command in open.Where(one => one.State == DeviceCommandState.Waiting))
        {
            var left = command.ExpiresAt - context.Time.GetUtcNow().UtcDateTime;
            if (left <= TimeSpan.Zero)
                continue;
            try
            {
                stopping.ThrowIfCancellationRequested();
                await publisher
                    .PublishAsync(
                        CommandTopology.Commands,
                        CommandMessage.RoutingKeyOf(binding.Tenant, device),
                        CommandMessage.PropertiesOf(binding.Tenant, command, left),
                        command.Data
                    )
                    .ConfigureAwait(false);
                sent.Add(command.Id);
            }
            catch (BrokerPublishException e)
            {
                // The publisher itself waits for the broker. Those behind it would pass it: they wait with it.
                again = e.Failure == PublishFailure.Unavailable ? Tick : binding.RetryInterval;
                break;
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                break; // the host stops
            }
        }

        // Even when the host stops: what is not confirmed is sent again.
        if (sent.Count > 0)
            await context.Commands.ConfirmAsync(binding.Tenant, device, sent, CancellationToken.None).ConfigureAwait(false);
        return again;
    }

    private async Task PromoteAsync(CancellationToken stopping)
    {
        while (true)
        {
            await Task.Delay(Tick, context.Time, stopping).ConfigureAwait(false);
            _agenda.Promote();
        }
    }

    private async Task WalkAsync(CancellationToken stopping)
    {
        while (true)
        {
            await WalkOnceAsync(stopping).ConfigureAwait(false);
            var since = context.Time.GetTimestamp();
            do await Task.Delay(WalkPause, context.Time, stopping).ConfigureAwait(false);
            while (!_agenda.TakeIncomplete() && context.Time.GetElapsedTime(since) < WalkInterval);
        }
    }

    private async Task WalkOnceAsync(CancellationToken stopping)
    {
        for (DeviceId? after = null; ; )
        {
            while (_agenda.DueCount > PageSize)
                await Task.Delay(Tick, context.Time, stopping).ConfigureAwait(false);
            try
            {
                var page = await context.Registry.ListAsync(binding.Tenant, after, PageSize, stopping).ConfigureAwait(false);
                foreach (var device in page)
                    _agenda.Add(device.Id);
                if (page.Count < PageSize)
                    return;
                after = page[^1].Id;
            }
            catch (Exception e) when (!stopping.IsCancellationRequested)
            {
                Tell(e);
                await Task.Delay(StorePause, context.Time, stopping).ConfigureAwait(false);
            }
        }
    }

    // Told once: a store that is away is away for many devices.
    private void Tell(Exception e)
    {
        if (!_isFailureTold)
            context.Logger.CommandsFailed(e, binding.Tenant.Value);
        _isFailureTold = true;
    }
}
