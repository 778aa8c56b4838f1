using System.Net;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Protocols.Coap.Diagnostics;

// Ids are part of the package's contract: append, never renumber. Coap owns 2000-2999.
internal static partial class CoapLog
{
    [LoggerMessage(2000, LogLevel.Information, "CoAP server listening on {Endpoint}, {Security}")]
    public static partial void Listening(this ILogger logger, IPEndPoint endpoint, string security);

    [LoggerMessage(2001, LogLevel.Warning, "Devices cannot be authenticated; they are told to come back")]
    public static partial void AuthenticatorUnavailable(this ILogger logger, Exception exception);

    [LoggerMessage(2002, LogLevel.Error, "The handler of {Method} {Path} failed")]
    public static partial void HandlerFailed(this ILogger logger, Exception exception, CoapCode method, string path);

    [LoggerMessage(2004, LogLevel.Error, "Connection {Connection} failed")]
    public static partial void ConnectionFailed(this ILogger logger, Exception exception, string connection);

    [LoggerMessage(2005, LogLevel.Debug, "Connection {Connection} was lost")]
    public static partial void ConnectionLost(this ILogger logger, string connection);

    [LoggerMessage(2003, LogLevel.Error, "A datagram could not be handled")]
    public static partial void DatagramFailed(this ILogger logger, Exception exception);

    [LoggerMessage(2006, LogLevel.Error, "The upkeep of connections failed; it goes on")]
    public static partial void TickFailed(this ILogger logger, Exception exception);

    [LoggerMessage(2007, LogLevel.Warning, "What a client has confirmed could not be noted; it is sent again another time")]
    public static partial void DeliveryFailed(this ILogger logger, Exception exception);
}
