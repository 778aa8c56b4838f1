using Insa.Iiot.Storage.Postgres.Diagnostics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Storage.Postgres;

/// <summary>Migrates and checks the store before anything of the host starts, so that a store that must not be used stops it.</summary>
internal sealed class StoreStart(PostgresDatabase database, ILogger<StoreStart> logger) : IHostedLifecycleService
{
    /// <exception cref="TelemetryStoreException">The store must not be used; the message says what to do.</exception>
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        try
        {
            await database.ReadyAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (TelemetryStoreException e) when (e.IsTransient)
        {
            // Devices are held back meanwhile, as they are when the server goes away later.
            logger.NotReady(e);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
