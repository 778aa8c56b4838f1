using Insa.Iiot.Protocols.OpcUa.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Protocols.OpcUa.Server.Sessions;

/// <summary>Asks again and again what signed-in users may do: a session does not outlive the right to it by more than a minute.</summary>
internal sealed class SessionRenewal(
    SessionTable sessions,
    ServiceTable services,
    TimeProvider time,
    ILogger<SessionRenewal> logger,
    IUserAuthenticator? users = null
)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private long _lastRun = time.GetTimestamp();

    /// <summary>Does it if it is time to. Not for two at once.</summary>
    public async ValueTask RunAsync(CancellationToken cancellationToken)
    {
        if (users is null || time.GetElapsedTime(_lastRun) < Interval)
            return;
        _lastRun = time.GetTimestamp();
        foreach (var session in sessions.All)
        {
            if (session.Identity is not { User: { } user } identity)
                continue;
            try
            {
                var now = await users.FindAsync(user.UserName, cancellationToken).ConfigureAwait(false);
                if (now is null || now.UserId != user.UserId || now.Version != user.Version || now.Tenant != user.Tenant)
                    sessions.Close(session, deleteSubscriptions: true, "no longer permitted");
                else if (ReferenceEquals(session.Identity, identity))
                    Renew(session, user, now);
            }
            catch (TelemetryStoreException e)
            {
                // Not to be reached is not the same as not permitted: asked again in a minute.
                logger.AuthenticatorUnavailable(e);
                return;
            }
        }
    }

    private void Renew(UaSession session, UserGrant before, UserGrant now)
    {
        session.Identity = SessionIdentity.Of(now);
        if (!before.Permissions.SetEquals(now.Permissions))
            services.UserChanged(session);
    }
}
