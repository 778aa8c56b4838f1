using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Server.Methods;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Server.Services;

/// <summary>Call (OPC 10000-4 §5.11.2). The calls of a request are carried out one after the other.</summary>
internal sealed class CallService(SessionSpaces spaces, MethodTable methods) : IServiceModule
{
    private const int LeastBytes = 2 + 2 + 4;

    public void Register(ServiceTable table) => table.Add(EncodingIds.CallRequest, spaces.In(Call));

    private void Call(SessionSpace space, RequestContext context, ref UaReader reader)
    {
        var count = reader.ArrayLength(LeastBytes);
        if (ServiceRules.Check(reader, count, OperationLimits.MethodsPerCall) is { IsGood: false } fault)
        {
            context.Fault(fault);
            return;
        }

        var requests = new CallMethodRequest[count];
        for (var i = 0; i < count; i++)
            requests[i] = CallMethodRequest.Decode(ref reader);
        if (reader.Status.IsGood)
            context.AnswerBy(CallAsync(space, context, requests));
        else
            context.Fault(reader.Status);
    }

    private async ValueTask CallAsync(SessionSpace space, RequestContext context, CallMethodRequest[] requests)
    {
        var results = new CallMethodResult[requests.Length];
        for (var i = 0; i < requests.Length; i++)
            results[i] = await CallAsync(space, requests[i], context.Cancellation).ConfigureAwait(false);
        context.Respond(new CallResponse { ResponseHeader = context.MakeHeader(), Results = results });
    }

    private ValueTask<CallMethodResult> CallAsync(SessionSpace space, CallMethodRequest request, CancellationToken cancellationToken)
    {
        if (methods.TryFindOfConditions(request.MethodId, out var method))
            return CallAsync(space, request, default, method, cancellationToken);
        var status = Find(space, request, out var target, out method);
        return status.IsGood
            ? CallAsync(space, request, target, method!, cancellationToken)
            : new(new CallMethodResult { StatusCode = status });
    }

    private StatusCode Find(SessionSpace space, CallMethodRequest request, out NodeHandle target, out MethodTable.Method? method)
    {
        method = null;
        var status = space.Find(request.ObjectId.AsView(), out target);
        if (!status.IsGood)
            return status;
        status = space.Find(request.MethodId.AsView(), out var node);
        if (!status.IsGood)
            return status == StatusCodes.BadNodeIdInvalid ? status : StatusCodes.BadMethodInvalid;
        if (!HasMethod(space.Space, target, node))
            return StatusCodes.BadMethodInvalid;
        return methods.TryFind(node.Declaration, out method) ? StatusCodes.Good : StatusCodes.BadNotExecutable;
    }

    private static async ValueTask<CallMethodResult> CallAsync(
        SessionSpace space,
        CallMethodRequest request,
        NodeHandle target,
        MethodTable.Method method,
        CancellationToken cancellationToken
    )
    {
        var arguments = request.InputArguments ?? [];
        if (arguments.Length < method.Inputs.Length)
            return new CallMethodResult { StatusCode = StatusCodes.BadArgumentsMissing };
        if (arguments.Length > method.Inputs.Length)
            return new CallMethodResult { StatusCode = StatusCodes.BadTooManyArguments };
        var checks = new StatusCode[arguments.Length];
        for (var i = 0; i < arguments.Length; i++)
            checks[i] = ArgumentRules.Check(arguments[i], method.Inputs[i]);
        if (!Array.TrueForAll(checks, check => check.IsGood))
            return new CallMethodResult { StatusCode = StatusCodes.BadInvalidArgument, InputArgumentResults = checks };

        var answer = await method
            .Handler(new MethodCall(space, request.ObjectId, target, arguments), cancellationToken)
            .ConfigureAwait(false);
        return new CallMethodResult
        {
            StatusCode = answer.Status,
            InputArgumentResults = checks,
            OutputArguments = answer.Outputs,
        };
    }

    // A type has the methods too, but there is nothing to carry them out on.
    private static bool HasMethod(TenantSpace space, in NodeHandle target, in NodeHandle method)
    {
        if (space.ClassOf(target) != NodeClass.Object || space.ClassOf(method) != NodeClass.Method)
            return false;
        var position = default(ReferencePosition);
        while (space.TryGetNext(target, ref position, out var reference))
        {
            // None of those that come and go is a method.
            if (position.After is not null)
                return false;
            if (reference.IsForward && reference.Type == space.Indexes.HasComponent && reference.Target == method)
                return true;
        }

        return false;
    }
}
