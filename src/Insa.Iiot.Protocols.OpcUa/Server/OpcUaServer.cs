using Insa.Iiot.Protocols.OpcUa.Diagnostics;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Transport;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Protocols.OpcUa.Server;

/// <summary>Looks after time limits while the host runs, and ends the connections when it stops.</summary>
internal sealed class OpcUaServer(
    ConnectionTable connections,
    AddressLimits limits,
    SessionTable sessions,
    SessionRenewal renewal,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    ILogger<OpcUaServer> logger
) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Kestrel stops before this service, and waits for its connections to end.
        using var stopping = lifetime.ApplicationStopping.UnsafeRegister(static table => ((ConnectionTable)table!).CloseAll(), connections);
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
            {
                try
                {
                    connections.Sweep();
                    limits.Sweep();
                    sessions.Sweep();
                    await renewal.RunAsync(stoppingToken).ConfigureAwait(false);
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    logger.ServiceFailed(e);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }
    }
}
