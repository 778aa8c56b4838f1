using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Server;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.History;

/// <summary>HistoryRead (Part 4 §5.10.3).</summary>
internal sealed class HistoryServices(IHistoryNodes nodes, ITelemetryReader reader, HistoryLimits limits, TimeProvider time)
    : IServiceModule,
        IDisposable
{
    private static readonly SessionSlot<HistoryContinuationPoints> Points = new();

    private readonly HistoryReader _reader = new(reader, limits, time);

    public void Register(ServiceTable table) => table.Add(EncodingIds.HistoryReadRequest, nodes.Prepare(Read));

    public void Dispose() => _reader.Dispose();

    private void Read(RequestContext context, ref UaReader request)
    {
        var session = context.ActiveSession;
        var points = Points.GetOrAdd(session, _ => new HistoryContinuationPoints(limits.MaxContinuationPoints));
        var scope = new SessionHistoryScope(nodes, session, points);
        var call = HistoryReadCall.Read(ref request, scope, limits);
        if (call.Status.IsGood)
            context.AnswerBy(ReadAsync(context, call, scope));
        else
            context.Fault(call.Status);
    }

    private async ValueTask ReadAsync(RequestContext context, HistoryReadCall call, SessionHistoryScope scope)
    {
        var (timeout, cancellation) = (context.Timeout, context.Cancellation);
        // Stores may answer on the calling thread, and this one has a connection to serve.
        await Task.Yield();
        var results = await _reader.ReadAsync(call, scope, timeout, cancellation).ConfigureAwait(false);
        Answer(context, results);
    }

    private static void Answer(RequestContext context, HistoryNodeResult[] results)
    {
        var writer = context.Begin(EncodingIds.HistoryReadResponse);
        HistoryReader.Write(ref writer, results);
        context.End(ref writer);
    }
}
