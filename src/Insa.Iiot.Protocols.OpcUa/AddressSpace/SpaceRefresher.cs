using Insa.Iiot.Protocols.OpcUa.Diagnostics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>
/// Compares the spaces with the registry and the store, so that devices come and go and data of other hosts shows, and looks up devices that spoke before
/// they were known.
/// </summary>
internal sealed class SpaceRefresher(
    TenantSpaces spaces,
    SpaceSource source,
    SpaceObserver observer,
    TimeProvider time,
    ILogger<SpaceRefresher> logger
) : BackgroundService
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    // Of the time that passes, comparing takes one part in so many at most.
    private const int LeastRest = 10;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(CompareAsync(stoppingToken), LookUpAsync(stoppingToken));

    private async Task CompareAsync(CancellationToken stoppingToken)
    {
        var wait = Interval;
        while (true)
        {
            await Task.Delay(wait, time, stoppingToken).ConfigureAwait(false);
            var start = time.GetTimestamp();
            foreach (var space in spaces.ListUsed())
            {
                try
                {
                    await source.ReconcileAsync(space, stoppingToken).ConfigureAwait(false);
                }
                catch (Exception e) when (!stoppingToken.IsCancellationRequested)
                {
                    logger.SpaceNotReconciled(e, space.Tenant);
                }
            }

            observer.ForgetUnknown();
            var longest = time.GetElapsedTime(start) * LeastRest;
            wait = longest > Interval ? longest : Interval;
        }
    }

    private async Task LookUpAsync(CancellationToken stoppingToken)
    {
        await foreach (var device in observer.Unknown.ReadAllAsync(stoppingToken).ConfigureAwait(false))
        {
            if (spaces.Find(device.Tenant) is not { } space)
                continue;
            try
            {
                await source.AddAsync(space, device.Device, stoppingToken).ConfigureAwait(false);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                logger.DeviceNotFound(e, device.Tenant, device.Device);
            }
        }
    }
}
