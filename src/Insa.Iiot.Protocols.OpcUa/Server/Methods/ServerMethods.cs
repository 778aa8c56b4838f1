using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Subscriptions;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Server.Methods;

/// <summary>The methods of the server object (OPC 10000-5 §9).</summary>
internal sealed class ServerMethods(SubscriptionServices subscriptions) : IMethodModule
{
    public void Register(MethodTable table)
    {
        table.Add(NodeIds.Server_GetMonitoredItems, 0, GetMonitoredItems);
        table.Add(NodeIds.Server_ResendData, 0, ResendData);
    }

    private ValueTask<MethodAnswer> GetMonitoredItems(MethodCall call, CancellationToken cancellationToken)
    {
        var id = (uint)call.Arguments[0].UInt64;
        var status = subscriptions.GetMonitoredItems(call.Space.Session, id, out var serverHandles, out var clientHandles);
        return new(status.IsGood ? MethodAnswer.Good(Variant.Of(serverHandles), Variant.Of(clientHandles)) : status);
    }

    private ValueTask<MethodAnswer> ResendData(MethodCall call, CancellationToken cancellationToken) =>
        new(subscriptions.ResendData(call.Space.Session, (uint)call.Arguments[0].UInt64));
}
