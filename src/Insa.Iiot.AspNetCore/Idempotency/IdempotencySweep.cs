using System.Text.Json;
using Insa.Iiot.AspNetCore.Diagnostics;
using Insa.Iiot.Tenancy;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.AspNetCore.Idempotency;

/// <summary>Forgets answers that nobody may ask for again. Every host does it; of two that take the same away one finds nothing.</summary>
internal sealed class IdempotencySweep(IControlStore store, TenantDirectory tenants, TimeProvider time, ILogger<IdempotencySweep> logger)
    : BackgroundService
{
    private const int PageSize = 500;
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            try
            {
                await SweepAsync(stoppingToken).ConfigureAwait(false);
            }
            catch (TelemetryStoreException e)
            {
                logger.SweepFailed(e);
            }
        }
    }

    /// <summary>Takes away what has expired.</summary>
    internal async Task SweepAsync(CancellationToken cancellationToken)
    {
        await SweepAsync(ControlScope.Platform, cancellationToken).ConfigureAwait(false);
        TenantId? last = null;
        while (true)
        {
            var page = await tenants.ListAsync(last, PageSize, cancellationToken).ConfigureAwait(false);
            foreach (var tenant in page)
                await SweepAsync(ControlScope.Of(tenant.Id), cancellationToken).ConfigureAwait(false);
            if (page.Count < PageSize)
                return;
            last = page[^1].Id;
        }
    }

    private async Task SweepAsync(ControlScope scope, CancellationToken cancellationToken)
    {
        string? last = null;
        while (true)
        {
            var page = await store.ListAsync(scope, IdempotencyFilter.Kind, last, PageSize, cancellationToken).ConfigureAwait(false);
            var now = time.GetUtcNow().UtcDateTime;
            foreach (var record in page)
            {
                var body = JsonSerializer.Deserialize(record.Body.Span, IdempotencyJson.Default.IdempotencyRecord)!;
                if (body.ExpiresAt <= now)
                    await store.CommitAsync([ControlChange.Delete(record)], cancellationToken).ConfigureAwait(false);
            }

            if (page.Count < PageSize)
                return;
            last = page[^1].Id;
        }
    }
}
