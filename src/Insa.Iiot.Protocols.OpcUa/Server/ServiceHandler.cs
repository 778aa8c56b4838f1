using Insa.Iiot.Protocols.OpcUa.Encoding;

namespace Insa.Iiot.Protocols.OpcUa.Server;

/// <summary>
/// Answers a request: with <see cref="RequestContext.Begin"/> and <see cref="RequestContext.End"/>, <see cref="RequestContext.Respond"/> or
/// <see cref="RequestContext.Fault"/> before it returns, or later after <see cref="RequestContext.Keep"/>.
/// </summary>
/// <param name="context">The request, and the way to answer it.</param>
/// <param name="reader">The request's fields after its header, in place: gone when the handler returns. Its status is to be looked at before anything is done.</param>
internal delegate void ServiceHandler(RequestContext context, ref UaReader reader);
