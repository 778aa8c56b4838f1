using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Server;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.History;

/// <summary>HistoryUpdate (Part 4 §5.10.5): values are inserted, replaced or both. The answer comes when they are durable.</summary>
internal sealed class HistoryUpdateService(SessionSpaces spaces, ITelemetryReader reader, ITelemetryIngress ingress, HistoryLimits limits)
    : IServiceModule
{
    // A node id, an encoding and a length.
    private const int LeastBytes = 2 + 1;

    private readonly HistoryWriter _writer = new(reader, ingress, limits);

    public void Register(ServiceTable table) => table.Add(EncodingIds.HistoryUpdateRequest, spaces.In(Update));

    private void Update(SessionSpace space, RequestContext context, ref UaReader request)
    {
        var count = request.ArrayLength(LeastBytes);
        if (!request.Status.IsGood || count == 0 || count > limits.MaxNodesPerRead)
        {
            context.Fault(
                !request.Status.IsGood ? request.Status
                : count == 0 ? StatusCodes.BadNothingToDo
                : StatusCodes.BadTooManyOperations
            );
            return;
        }

        var calls = new HistoryUpdateCall[count];
        for (var i = 0; i < calls.Length; i++)
            calls[i] = HistoryUpdateCall.Read(ref request, space);
        if (!request.Status.IsGood)
            context.Fault(request.Status);
        else if (calls.Sum(call => call.Values.Length) > limits.MaxValuesPerUpdate)
            context.Fault(StatusCodes.BadTooManyOperations);
        else
            context.AnswerBy(UpdateAsync(context, space.Space.Tenant, calls));
    }

    private async ValueTask UpdateAsync(RequestContext context, TenantId tenant, HistoryUpdateCall[] calls)
    {
        var cancellation = context.Cancellation;
        await Task.Yield();
        var results = new HistoryUpdateResult[calls.Length];
        for (var i = 0; i < calls.Length; i++)
            results[i] = await UpdateAsync(tenant, calls[i], cancellation).ConfigureAwait(false);
        context.Respond(new HistoryUpdateResponse { ResponseHeader = context.MakeHeader(), Results = results });
    }

    private async ValueTask<HistoryUpdateResult> UpdateAsync(TenantId tenant, HistoryUpdateCall call, CancellationToken cancellationToken)
    {
        if (!call.Status.IsGood || call.Values.Length == 0)
            return new HistoryUpdateResult { StatusCode = call.Status.IsGood ? StatusCodes.BadNothingToDo : call.Status };
        try
        {
            return new HistoryUpdateResult
            {
                OperationResults = await _writer.WriteAsync(tenant, call, cancellationToken).ConfigureAwait(false),
            };
        }
        catch (TelemetryStoreException e)
        {
            return new HistoryUpdateResult
            {
                StatusCode = e.IsTransient ? StatusCodes.BadResourceUnavailable : StatusCodes.BadInternalError,
            };
        }
    }
}
