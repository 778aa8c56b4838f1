using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Events;
using Insa.Iiot.Protocols.OpcUa.Server.Methods;
using Insa.Iiot.Protocols.OpcUa.Subscriptions;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Alarms;

/// <summary>The methods of conditions (OPC 10000-9 §5.5, §5.7). Without a source of alarms there are none.</summary>
internal sealed class ConditionMethods(SubscriptionServices subscriptions, EventMaker maker, IAlarmSource? source = null) : IMethodModule
{
    public void Register(MethodTable table)
    {
        if (source is null)
            return;
        table.AddOfConditions(NodeIds.ConditionType_ConditionRefresh, RefreshAsync);
        table.AddOfConditions(NodeIds.ConditionType_ConditionRefresh2, RefreshAsync);
        table.AddOfConditions(NodeIds.ConditionType_AddComment, CommentAsync);
        table.AddOfConditions(NodeIds.AcknowledgeableConditionType_Acknowledge, AcknowledgeAsync);
    }

    private async ValueTask<MethodAnswer> RefreshAsync(MethodCall call, CancellationToken cancellationToken)
    {
        if (!call.ObjectId.Is(NodeIds.ConditionType))
            return StatusCodes.BadMethodInvalid;
        var item = call.Arguments.Length > 1 ? (uint?)call.Arguments[1].UInt64 : null;
        var status = subscriptions.BeginRefresh(call.Space.Session, (uint)call.Arguments[0].UInt64, item, out var refresh);
        if (!status.IsGood)
            return status;
        try
        {
            var alarms = call.Space.Space.Alarms;
            var mark = alarms.Mark();
            alarms.Reconcile(
                mark,
                await source!.ReadRetainedAsync(call.Space.Space.Tenant, cancellationToken).ConfigureAwait(false),
                maker
            );
            refresh!.Tell(
                new UaEvent(maker.OfServer(NodeIds.RefreshStartEventType, "The refresh of conditions begins.", 1)),
                () => alarms.Retained,
                new UaEvent(maker.OfServer(NodeIds.RefreshEndEventType, "The refresh of conditions is over.", 1))
            );
            return StatusCodes.Good;
        }
        catch (TelemetryStoreException)
        {
            return StatusCodes.BadResourceUnavailable;
        }
        finally
        {
            refresh!.End();
        }
    }

    private async ValueTask<MethodAnswer> AcknowledgeAsync(MethodCall call, CancellationToken cancellationToken)
    {
        var status = Find(call, out var condition, out var version);
        if (!status.IsGood)
            return status;
        if (condition!.State.IsAcknowledged)
            return StatusCodes.BadConditionBranchAlreadyAcked;
        return await ActAsync(call, condition, version, source!.AcknowledgeAsync, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<MethodAnswer> CommentAsync(MethodCall call, CancellationToken cancellationToken)
    {
        var status = Find(call, out var condition, out var version);
        if (!status.IsGood)
            return status;

        // OPC 10000-9 §5.5.6: no comment at all leaves the last one as it is.
        if (CommentOf(call) is null)
            return StatusCodes.Good;
        return await ActAsync(call, condition!, version, source!.CommentAsync, cancellationToken).ConfigureAwait(false);
    }

    // The condition that is called and the state of it that the caller has seen.
    private static StatusCode Find(MethodCall call, out Condition? condition, out long version)
    {
        (condition, version) = (null, 0);
        if (!ConditionIds.TryParse(call.ObjectId, out var device, out var alarm))
            return NoCondition(call);
        if (
            !call.Space.Space.Alarms.TryFind(alarm, out condition)
            || condition.State.Device.Value != device
            || condition.Event.SeenBy(call.Space.User) is null
        )
            return StatusCodes.BadNodeIdUnknown;
        if (!call.Space.User.MayActOnAlarms)
            return StatusCodes.BadUserAccessDenied;
        return condition.TryFindVersion((byte[]?)call.Arguments[0].Reference, out version)
            ? StatusCodes.Good
            : StatusCodes.BadEventIdUnknown;
    }

    // OPC 10000-9 tables 16 and 34: the type itself is no condition, and other nodes do not have the method.
    private static StatusCode NoCondition(MethodCall call)
    {
        if (SessionSpace.IsInvalid(call.ObjectId.AsView()))
            return StatusCodes.BadNodeIdInvalid;
        var status = call.Space.Find(call.ObjectId.AsView(), out var node);
        if (!status.IsGood)
            return status;
        var isType = call.Space.Space.ClassOf(node) == NodeClass.ObjectType;
        return isType ? StatusCodes.BadNodeIdInvalid : StatusCodes.BadMethodInvalid;
    }

    private static async ValueTask<MethodAnswer> ActAsync(
        MethodCall call,
        Condition condition,
        long version,
        Func<TenantId, AlarmAction, CancellationToken, ValueTask<AlarmActionResult>> act,
        CancellationToken cancellationToken
    )
    {
        var comment = CommentOf(call);
        if (comment?.Length > AlarmComment.MaxTextLength)
            return StatusCodes.BadOutOfRange;
        var action = new AlarmAction
        {
            AlarmId = condition.State.AlarmId,
            Version = version,
            User = call.Space.User.Identity.Name,
            Comment = comment,
        };
        try
        {
            return await act(call.Space.Space.Tenant, action, cancellationToken).ConfigureAwait(false) switch
            {
                AlarmActionResult.Done => StatusCodes.Good,
                AlarmActionResult.AlreadyAcknowledged => StatusCodes.BadConditionBranchAlreadyAcked,
                AlarmActionResult.Superseded => StatusCodes.BadEventIdUnknown,
                _ => StatusCodes.BadNodeIdUnknown,
            };
        }
        catch (ArgumentException)
        {
            return StatusCodes.BadInvalidArgument;
        }
        catch (TelemetryStoreException)
        {
            return StatusCodes.BadResourceUnavailable;
        }
    }

    // OPC 10000-9 §5.5.6: neither locale nor text is no comment, and a locale without text is an empty one.
    private static string? CommentOf(MethodCall call) =>
        call.Arguments[1].Reference is LocalizedText text
            ? text.Text is null or "" && string.IsNullOrEmpty(text.Locale)
                ? null
                : text.Text ?? ""
            : null;
}
