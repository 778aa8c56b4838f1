using Insa.Iiot.Protocols.Amqp.Connections;
using Insa.Iiot.Protocols.Amqp.Diagnostics;
using Insa.Iiot.Protocols.Amqp.Publishing;
using Insa.Iiot.Protocols.Amqp.Topology;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;

namespace Insa.Iiot.Protocols.Amqp.Events;

/// <summary>Sends what is in the outbox: a tenant's events one after the other, as their order is, and those of several tenants at once.</summary>
internal sealed class EventSender(
    EventOutbox outbox,
    BrokerPublisher publisher,
    string source,
    PublisherContext context,
    ILogger<EventService> logger
)
{
    /// <summary>How long a message may take: well within a host's lease.</summary>
    public static readonly TimeSpan PublishTimeout = EventOutbox.Lease / 2;

    private const int Workers = 4;
    private const int MaxTenants = 10_000;
    private const int PageSize = 32;
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RefusedPause = TimeSpan.FromSeconds(30);

    // Longer than other hosts take to see that they can have them.
    private static readonly TimeSpan UnavailablePause = TimeSpan.FromSeconds(5);

    private readonly Agenda<TenantId> _agenda = new(MaxTenants, context.Time);
    private bool _isFailureTold;

    /// <summary>There is an event of a tenant.</summary>
    public void Note(TenantId tenant) => _agenda.Add(tenant, isUrgent: false);

    public Task RunAsync(CancellationToken stopping) =>
        Task.WhenAll([PollAsync(stopping), .. Enumerable.Range(0, Workers).Select(_ => WorkAsync(stopping))]);

    // What this host was told of it sends at once; this is for what other hosts have left, and for what is to be tried again.
    private async Task PollAsync(CancellationToken stopping)
    {
        var since = context.Time.GetTimestamp() - (long)(PollInterval.TotalSeconds * context.Time.TimestampFrequency);
        while (true)
        {
            _agenda.Promote();
            if (context.Time.GetElapsedTime(since) >= PollInterval)
            {
                since = context.Time.GetTimestamp();
                await ListAsync(stopping).ConfigureAwait(false);
            }

            await Task.Delay(Tick, context.Time, stopping).ConfigureAwait(false);
        }
    }

    private async ValueTask ListAsync(CancellationToken stopping)
    {
        try
        {
            foreach (var tenant in await outbox.ListAsync(stopping).ConfigureAwait(false))
                _agenda.Add(tenant, isUrgent: false);
        }
        catch (Exception e) when (!stopping.IsCancellationRequested)
        {
            Tell(e);
        }
    }

    private async Task WorkAsync(CancellationToken stopping)
    {
        while (true)
        {
            var tenant = await _agenda.TakeAsync(stopping).ConfigureAwait(false);
            TimeSpan? again = Tick;
            try
            {
                again = await SendAllAsync(tenant, stopping).ConfigureAwait(false);
                _isFailureTold = false;
            }
            catch (Exception e) when (!stopping.IsCancellationRequested)
            {
                Tell(e);
            }
            finally
            {
                _agenda.Done(tenant, again);
            }
        }
    }

    /// <returns>When to try again, if something is left that is ours to send.</returns>
    private async ValueTask<TimeSpan?> SendAllAsync(TenantId tenant, CancellationToken stopping)
    {
        while (await outbox.TryClaimAsync(tenant, stopping).ConfigureAwait(false))
        {
            var records = await outbox.ReadAsync(tenant, PageSize, stopping).ConfigureAwait(false);
            if (records.Count == 0)
            {
                if (await outbox.TryCloseAsync(tenant, stopping).ConfigureAwait(false))
                    return null;
                continue;
            }

            var (sent, failure) = await SendAsync(tenant, records, stopping).ConfigureAwait(false);

            // Even when the host stops: what is not removed is sent again.
            if (sent > 0 && await outbox.RemoveAsync(tenant, [.. records.Take(sent)], CancellationToken.None).ConfigureAwait(false))
                return null;
            if (failure is not null || stopping.IsCancellationRequested)
                await outbox.ReleaseAsync(tenant, CancellationToken.None).ConfigureAwait(false);
            if (failure is not null)
                return failure == PublishFailure.Refused ? RefusedPause : UnavailablePause;
        }

        return null;
    }

    /// <returns>How many are done with, and why the next one is not, if it was tried.</returns>
    private async ValueTask<(int Count, PublishFailure? Failure)> SendAsync(
        TenantId tenant,
        IReadOnlyList<ControlRecord> records,
        CancellationToken stopping
    )
    {
        var since = context.Time.GetTimestamp();
        var sent = 0;
        foreach (var record in records)
        {
            // One message more may take its time-out, all within the lease.
            if (stopping.IsCancellationRequested || context.Time.GetElapsedTime(since) > EventOutbox.Lease / 5)
                break;
            try
            {
                await PublishAsync(tenant, EventJson.Read<EventRecord>(record)).ConfigureAwait(false);
            }
            catch (BrokerPublishException e) when (e.Failure == PublishFailure.Unroutable)
            {
                context.Metrics.EventDropped("no_subscriber");
            }
            catch (BrokerPublishException e)
            {
                outbox.CanSend = e.Failure != PublishFailure.Unavailable;
                return (sent, e.Failure);
            }
            catch (ObjectDisposedException)
            {
                break; // the host stops
            }

            outbox.CanSend = true;
            sent++;
        }

        return (sent, null);
    }

    private Task PublishAsync(TenantId tenant, EventRecord one)
    {
        var headers = CloudEventHeaders.Of(one.Id, source, one.Type, one.Subject, one.Time);
        headers["cloudEvents:tenant"] = tenant.Value;
        var properties = new BasicProperties
        {
            MessageId = one.Id,
            Type = one.Type,
            ContentType = one.ContentType,
            Headers = headers,
        };
        return publisher.PublishAsync(EventTopology.Exchange, $"events.{tenant.Value}.{one.Type}", properties, one.Data);
    }

    // Told once: a store that is away is away for many tenants.
    private void Tell(Exception e)
    {
        if (!_isFailureTold)
            logger.EventsFailed(e);
        _isFailureTold = true;
    }
}
