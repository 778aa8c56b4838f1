using Insa.Iiot.Tenancy.Access;
using Insa.Iiot.Tenancy.Diagnostics;
using Insa.Iiot.Tenancy.Records;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Tenancy.Quotas;

/// <summary>The background of quotas: reads tenants, leases amounts, writes usage; on stop it gives back what is held.</summary>
internal sealed class QuotaService(
    QuotaContext context,
    WatchedControlStore store,
    TenantQuotas quotas,
    UsageWriter writer,
    UsageWarnings warnings,
    QuotaMetrics metrics,
    TimeProvider time,
    ILogger<QuotaService> logger
) : IHostedService, IDisposable
{
    private const int Workers = 4;

    private readonly CancellationTokenSource _stop = new();
    private Task _work = Task.CompletedTask;
    private int _isFailing;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        var work = new List<Task> { Task.Run(() => FlushAsync(_stop.Token), CancellationToken.None) };
        for (var i = 0; i < Workers; i++)
            work.Add(Task.Run(() => WorkAsync(_stop.Token), CancellationToken.None));
        _work = Task.WhenAll(work);
        store.Changing += Expire;
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        store.Changing -= Expire;
        await _stop.CancelAsync().ConfigureAwait(false);
        await _work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        // What was used is nowhere else; what is leased comes back by itself, later.
        var hour = UsageLedger.HourOf(context.UtcNow);
        await ForEachAsync((quota, token) => writer.WriteAsync(quota, hour, token), cancellationToken).ConfigureAwait(false);
        await ForEachAsync((quota, token) => quota.ReleaseAsync(token), cancellationToken).ConfigureAwait(false);
    }

    public void Dispose() => _stop.Dispose();

    /// <summary>Does something for each tenant, whatever happens to the others.</summary>
    private async Task ForEachAsync(Func<TenantQuota, CancellationToken, ValueTask> action, CancellationToken cancellationToken)
    {
        Exception? failure = null;
        try
        {
            await Parallel
                .ForEachAsync(
                    quotas.All,
                    Parallelism(cancellationToken),
                    async (quota, token) =>
                    {
                        try
                        {
                            await action(quota, token).ConfigureAwait(false);
                        }
                        catch (Exception e) when (!token.IsCancellationRequested)
                        {
                            metrics.Failed();
                            Interlocked.CompareExchange(ref failure, e, null);
                        }
                    }
                )
                .ConfigureAwait(false);
        }
        catch (OperationCanceledException e)
        {
            metrics.Failed();
            Interlocked.CompareExchange(ref failure, e, null);
        }

        if (failure is not null)
            logger.NotReleased(failure);
    }

    // What this host itself changes of a tenant holds for the next messages, not only once they have come for a while.
    private void Expire(IReadOnlyList<ControlChange> changes)
    {
        foreach (var change in changes)
        {
            if (change.Kind == RecordKinds.Tenant && TenantId.TryParse(change.Id, out var tenant))
                quotas.Find(tenant)?.Expire();
        }
    }

    private async Task WorkAsync(CancellationToken cancellationToken)
    {
        await foreach (var quota in context.Work.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            var succeeded = await TryAsync(
                    async () =>
                    {
                        if (await quota.WorkAsync(cancellationToken).ConfigureAwait(false))
                            await warnings.CheckAsync(quota, cancellationToken).ConfigureAwait(false);
                    },
                    cancellationToken
                )
                .ConfigureAwait(false);
            quota.Dequeued(!succeeded);
        }
    }

    // Wakes at every hour's end, so that usage is written for the hour that it is of.
    private async Task FlushAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var now = context.UtcNow;
            var hour = UsageLedger.HourOf(now);
            var rest = hour.AddHours(1) - now;
            var interval = context.Options.UsageFlushInterval;
            await Task.Delay(rest < interval ? rest : interval, time, cancellationToken).ConfigureAwait(false);
            await Parallel
                .ForEachAsync(
                    quotas.All,
                    Parallelism(cancellationToken),
                    async (quota, token) =>
                    {
                        await TryAsync(() => writer.WriteAsync(quota, hour, token), token).ConfigureAwait(false);
                        quota.RequestMaintenance();
                    }
                )
                .ConfigureAwait(false);
            quotas.Trim(context.Clock.Now);
        }
    }

    private async ValueTask<bool> TryAsync(Func<ValueTask> action, CancellationToken cancellationToken)
    {
        try
        {
            await action().ConfigureAwait(false);
            if (Interlocked.Exchange(ref _isFailing, 0) != 0)
                logger.StoreRecovered();
            return true;
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            metrics.Failed();
            if (Interlocked.Exchange(ref _isFailing, 1) == 0)
                logger.StoreUnavailable(e);
            return false;
        }
    }

    private static ParallelOptions Parallelism(CancellationToken cancellationToken) =>
        new() { MaxDegreeOfParallelism = Workers, CancellationToken = cancellationToken };
}
