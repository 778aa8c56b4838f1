using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;

namespace Insa.Iiot.Protocols.OpcUa.Server;

/// <summary>Where responses go: the connection of a request, or a test's memory.</summary>
internal interface IResponseOutput
{
    /// <summary>Begins a message. Nobody else can until the same thread has ended or cancelled it.</summary>
    IMessageOutput BeginMessage(uint requestId);

    /// <summary>Sends the message that was begun.</summary>
    void EndMessage();

    /// <summary>Takes back the message that was begun.</summary>
    /// <returns><see langword="false"/> if parts of it had left: then the peer is told that the rest does not come, and nothing else may be answered.</returns>
    bool CancelMessage(StatusCode reason);

    /// <summary>Cancels kept requests of a session that have a handle.</summary>
    /// <returns>How many there were.</returns>
    int CancelRequests(UaSession session, uint requestHandle) => 0;

    /// <summary>A request is answered by a fault: that is counted.</summary>
    void Faulted(StatusCode status) { }

    /// <summary>Work on a kept request has thrown: that is told to the log, and nothing to the client.</summary>
    void Failed(Exception exception);

    /// <summary>A kept request is answered; its context can be used for another.</summary>
    void Release(RequestContext context);
}
