namespace Insa.Iiot;

/// <summary>Turns what a person shows to a protocol that people use too into what they may do for one tenant. Thread-safe.</summary>
/// <remarks>
/// A user name is the e-mail address and the tenant, <c>ann@example.com@acme</c>; the address alone is enough for somebody who works for one tenant only.
/// </remarks>
public interface IUserAuthenticator
{
    /// <summary>Checks a password, in the same time for an unknown user and a wrong password.</summary>
    /// <param name="userName">The user's name.</param>
    /// <param name="password">The password in UTF-8.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns><see langword="null"/> if it does not hold, or the user does not belong to the tenant.</returns>
    /// <exception cref="TelemetryStoreException">Users cannot be read, or too many passwords are being checked: not the same as "unknown".</exception>
    ValueTask<UserGrant?> AuthenticateAsync(string userName, ReadOnlyMemory<byte> password, CancellationToken cancellationToken = default);

    /// <summary>Finds what a user may do who has proved who they are in another way: by a certificate, or before.</summary>
    /// <returns><see langword="null"/> if there is no such user, or they do not belong to the tenant any more.</returns>
    /// <exception cref="TelemetryStoreException">Users cannot be read.</exception>
    ValueTask<UserGrant?> FindAsync(string userName, CancellationToken cancellationToken = default);
}
