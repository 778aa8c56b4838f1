using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Diagnostics;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.SecureChannel;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Protocols.OpcUa.Server;

/// <summary>Gives requests to their handlers, once their session is found. Thread-safe.</summary>
internal sealed class RequestDispatcher(
    ServiceTable services,
    SessionTable sessions,
    EndpointTable endpoints,
    TimeProvider time,
    ILogger<RequestDispatcher> logger
)
{
    /// <summary>Handles a request. When it returns, the request is answered or kept.</summary>
    /// <param name="context">The context to use.</param>
    /// <param name="channel">The channel it came by.</param>
    /// <param name="requestId">Names it on the channel.</param>
    /// <param name="message">The request, in place.</param>
    /// <param name="isFull">Whether too many requests of the connection wait already.</param>
    public void Dispatch(RequestContext context, ChannelSecurity channel, uint requestId, ReadOnlySpan<byte> message, bool isFull)
    {
        var reader = new UaReader(message, EncodingLimits.Default);
        var type = reader.NodeId();
        var whole = reader;
        var token = context.Start(channel, requestId, ref reader);
        try
        {
            if (!reader.Status.IsGood)
                context.Fault(reader.Status);
            else if (isFull)
                context.Fault(StatusCodes.BadTooManyOperations);
            else if (type.Type != NodeIdType.Numeric || type.NamespaceIndex != 0)
                context.Fault(StatusCodes.BadServiceUnsupported);
            else if (!services.TryFind(type.Numeric, out var service))
                Refuse(context, CountedServices.Of(type.Numeric), token);
            else if (FindSession(context, service, token) is { IsGood: false } refusal)
                context.Fault(refusal);
            else if (service.ReadsHeader)
                service.Handler(context, ref whole);
            else
                service.Handler(context, ref reader);
            if (!context.IsAnswered && !context.WasKept)
                throw new InvalidOperationException("A handler has neither answered nor kept its request.");
        }
        catch (Exception e)
        {
            logger.ServiceFailed(e);
            if (!context.WasKept)
                context.Fail(StatusCodes.BadInternalError);
        }
    }

    private void Refuse(RequestContext context, CountedService service, NodeIdView token)
    {
        if (sessions.Find(token) is { } session && ReferenceEquals(session.Channel, context.Channel))
            context.CountIn(session.Counters, service);
        context.Fault(StatusCodes.BadServiceUnsupported);
    }

    private StatusCode FindSession(RequestContext context, in ServiceTable.Service service, NodeIdView token)
    {
        var rule = service.Rule;
        if (rule == SessionRule.None)
            return default;

        // Without security there is discovery, and more only where the host has said so.
        if (context.Channel.Policy.IsNone && !endpoints.AllowsUnsecured)
            return StatusCodes.BadSecurityPolicyRejected;
        var session = sessions.Find(token);
        context.Session = session;
        if (session is not null)
            context.CountIn(session.Counters, service.Counted);
        if (rule == SessionRule.Own)
            return default;
        if (session is null)
            return StatusCodes.BadSessionIdInvalid;
        if (!ReferenceEquals(session.Channel, context.Channel))
            return StatusCodes.BadSecureChannelIdInvalid;
        if (!session.IsActivated)
        {
            // Part 4 §5.7.2: who uses a session before it is activated loses it.
            sessions.Close(session, deleteSubscriptions: true, "not activated");
            return StatusCodes.BadSessionNotActivated;
        }

        session.LastUsedAt = time.GetTimestamp();
        return default;
    }
}
