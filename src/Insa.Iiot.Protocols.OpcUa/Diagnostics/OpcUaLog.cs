using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Protocols.OpcUa.Diagnostics;

// Ids are part of the package's contract: append, never renumber. OpcUa owns 9000-9999: the address space 9300-9399, subscriptions 9400-9499, history 9500-9599.
internal static partial class OpcUaLog
{
    [LoggerMessage(9000, LogLevel.Information, "Made the server's OPC UA certificate {Thumbprint} in {Folder}; clients have to trust it")]
    public static partial void OwnCertificateMade(this ILogger logger, string thumbprint, string folder);

    [LoggerMessage(9001, LogLevel.Warning, "The server's OPC UA certificate expired at {NotAfter}: replace it")]
    public static partial void OwnCertificateExpired(this ILogger logger, DateTime notAfter);

    [LoggerMessage(9002, LogLevel.Warning, "The certificate {Path} is not used as the server's: {Reason}")]
    public static partial void OwnCertificateIgnored(this ILogger logger, string path, string reason);

    [LoggerMessage(9003, LogLevel.Warning, "The file {Path} holds no certificate or revocation list that can be read, and is ignored")]
    public static partial void TrustFileIgnored(this ILogger logger, string path);

    [LoggerMessage(9004, LogLevel.Error, "The trusted certificates in {Folder} cannot be read; those read before stay trusted")]
    public static partial void TrustListUnreadable(this ILogger logger, Exception exception, string folder);

    [LoggerMessage(9005, LogLevel.Warning, "A refused certificate cannot be kept in {Folder}")]
    public static partial void RejectedNotKept(this ILogger logger, Exception exception, string folder);

    [LoggerMessage(9006, LogLevel.Information, "OPC UA server {ApplicationUri} offers {Policies}, certificate {Thumbprint}")]
    public static partial void Serving(this ILogger logger, string applicationUri, string policies, string thumbprint);

    [LoggerMessage(9007, LogLevel.Information, "The certificate {Name} is refused: {Problem}; it is kept in {Folder}")]
    public static partial void CertificateRefused(this ILogger logger, string name, string problem, string folder);

    [LoggerMessage(9008, LogLevel.Debug, "Connection {Connection} ended: {Reason}")]
    public static partial void ConnectionEnded(this ILogger logger, string connection, string reason);

    [LoggerMessage(9009, LogLevel.Error, "Connection {Connection} failed")]
    public static partial void ConnectionFailed(this ILogger logger, Exception exception, string connection);

    [LoggerMessage(9010, LogLevel.Error, "A service failed")]
    public static partial void ServiceFailed(this ILogger logger, Exception exception);

    [LoggerMessage(9011, LogLevel.Debug, "Session {Session} of tenant {Tenant} signed in by {Kind}")]
    public static partial void SignedIn(this ILogger logger, string session, TenantId tenant, string kind);

    [LoggerMessage(9012, LogLevel.Warning, "Devices or users cannot be authenticated; they are told to come back")]
    public static partial void AuthenticatorUnavailable(this ILogger logger, Exception exception);

    [LoggerMessage(9013, LogLevel.Debug, "Session {Session} closed: {Reason}")]
    public static partial void SessionClosed(this ILogger logger, string session, string reason);

    [LoggerMessage(9014, LogLevel.Information, "Registered with the discovery server {Url}")]
    public static partial void DiscoveryRegistered(this ILogger logger, Uri url);

    [LoggerMessage(9015, LogLevel.Warning, "The discovery server {Url} does not take the registration: {Reason}; it is asked again")]
    public static partial void DiscoveryFailed(this ILogger logger, Uri url, string reason);

    [LoggerMessage(9016, LogLevel.Information, "Taken out of the discovery server {Url}")]
    public static partial void DiscoveryLeft(this ILogger logger, Uri url);
}
