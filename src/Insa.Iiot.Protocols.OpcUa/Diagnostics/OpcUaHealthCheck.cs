using Insa.Iiot.Protocols.OpcUa.Pki;
using Insa.Iiot.Protocols.OpcUa.Server;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Transport;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Insa.Iiot.Protocols.OpcUa.Diagnostics;

/// <summary>Says whether clients can connect: degraded when the server's certificate has expired or is about to.</summary>
internal sealed class OpcUaHealthCheck(
    ServerIdentity server,
    OpcUaServerAddresses addresses,
    ConnectionTable connections,
    SessionTable sessions,
    TimeProvider time
) : IHealthCheck
{
    private static readonly TimeSpan SoonExpired = TimeSpan.FromDays(30);

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        OwnCertificate certificate = server.Certificate;
        var left = certificate.Certificate.NotAfter.ToUniversalTime() - time.GetUtcNow().UtcDateTime;
        var data = new Dictionary<string, object>
        {
            ["listeners"] = addresses.Endpoints.Count,
            ["connections"] = connections.Count,
            ["sessions"] = sessions.Count,
            ["certificate_days_left"] = (int)left.TotalDays,
        };
        var result =
            left <= TimeSpan.Zero ? HealthCheckResult.Degraded("The server's certificate has expired.", data: data)
            : left < SoonExpired ? HealthCheckResult.Degraded("The server's certificate is about to expire.", data: data)
            : HealthCheckResult.Healthy("Listening.", data);
        return Task.FromResult(result);
    }
}
