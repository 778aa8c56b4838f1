using System.Net.Sockets;
using System.Security.Authentication;
using RabbitMQ.Client.Exceptions;

namespace Insa.Iiot.Protocols.Amqp.Connections;

/// <summary>Says what failed. The library's messages may hold what was tried to log in with; the broker's own words do not.</summary>
internal static class BrokerFailure
{
    public static string ReasonOf(Exception e) =>
        e switch
        {
            OperationInterruptedException { ShutdownReason: { } reason } => reason.ReplyText,
            AuthenticationFailureException => "it refuses the user or password",
            AuthenticationException => "TLS has failed: its certificate is not trusted or not of that name, or ours is refused",
            SocketException socket => socket.SocketErrorCode.ToString(),
            AggregateException { InnerExceptions: [.., var last] } => ReasonOf(last),
            BrokerUnreachableException
            or ConnectFailureException
            or PossibleAuthenticationFailureException when e.InnerException is { } inner => ReasonOf(inner),
            PossibleAuthenticationFailureException => "it ends the connection at the login",
            _ => e.GetType().Name,
        };
}
