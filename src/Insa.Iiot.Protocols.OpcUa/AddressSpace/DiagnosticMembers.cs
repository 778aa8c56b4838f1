using System.Collections.Frozen;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>The variables that the variables of diagnostics consist of (OPC 10000-5 §7.12 to §7.16), by the browse names of their declarations.</summary>
internal static class DiagnosticMembers
{
    public static readonly FrozenDictionary<string, Func<SessionDiagnosticsDataType, Variant>> OfSession = new Dictionary<
        string,
        Func<SessionDiagnosticsDataType, Variant>
    >
    {
        [nameof(SessionDiagnosticsDataType.SessionId)] = from => Variant.Of(from.SessionId),
        [nameof(SessionDiagnosticsDataType.SessionName)] = from => Variant.Of(from.SessionName),
        [nameof(SessionDiagnosticsDataType.ClientDescription)] = from => Variant.Of(from.ClientDescription),
        [nameof(SessionDiagnosticsDataType.ServerUri)] = from => Variant.Of(from.ServerUri),
        [nameof(SessionDiagnosticsDataType.EndpointUrl)] = from => Variant.Of(from.EndpointUrl),
        [nameof(SessionDiagnosticsDataType.LocaleIds)] = from => Variant.Of(from.LocaleIds),
        [nameof(SessionDiagnosticsDataType.ActualSessionTimeout)] = from => Variant.Of(from.ActualSessionTimeout),
        [nameof(SessionDiagnosticsDataType.MaxResponseMessageSize)] = from => Variant.Of(from.MaxResponseMessageSize),
        [nameof(SessionDiagnosticsDataType.ClientConnectionTime)] = from => Variant.OfDateTime(from.ClientConnectionTime),
        [nameof(SessionDiagnosticsDataType.ClientLastContactTime)] = from => Variant.OfDateTime(from.ClientLastContactTime),
        [nameof(SessionDiagnosticsDataType.CurrentSubscriptionsCount)] = from => Variant.Of(from.CurrentSubscriptionsCount),
        [nameof(SessionDiagnosticsDataType.CurrentMonitoredItemsCount)] = from => Variant.Of(from.CurrentMonitoredItemsCount),
        [nameof(SessionDiagnosticsDataType.CurrentPublishRequestsInQueue)] = from => Variant.Of(from.CurrentPublishRequestsInQueue),
        [nameof(SessionDiagnosticsDataType.TotalRequestCount)] = from => Variant.Of(from.TotalRequestCount),
        [nameof(SessionDiagnosticsDataType.UnauthorizedRequestCount)] = from => Variant.Of(from.UnauthorizedRequestCount),
        [nameof(SessionDiagnosticsDataType.ReadCount)] = from => Variant.Of(from.ReadCount),
        [nameof(SessionDiagnosticsDataType.HistoryReadCount)] = from => Variant.Of(from.HistoryReadCount),
        [nameof(SessionDiagnosticsDataType.WriteCount)] = from => Variant.Of(from.WriteCount),
        [nameof(SessionDiagnosticsDataType.HistoryUpdateCount)] = from => Variant.Of(from.HistoryUpdateCount),
        [nameof(SessionDiagnosticsDataType.CallCount)] = from => Variant.Of(from.CallCount),
        [nameof(SessionDiagnosticsDataType.CreateMonitoredItemsCount)] = from => Variant.Of(from.CreateMonitoredItemsCount),
        [nameof(SessionDiagnosticsDataType.ModifyMonitoredItemsCount)] = from => Variant.Of(from.ModifyMonitoredItemsCount),
        [nameof(SessionDiagnosticsDataType.SetMonitoringModeCount)] = from => Variant.Of(from.SetMonitoringModeCount),
        [nameof(SessionDiagnosticsDataType.SetTriggeringCount)] = from => Variant.Of(from.SetTriggeringCount),
        [nameof(SessionDiagnosticsDataType.DeleteMonitoredItemsCount)] = from => Variant.Of(from.DeleteMonitoredItemsCount),
        [nameof(SessionDiagnosticsDataType.CreateSubscriptionCount)] = from => Variant.Of(from.CreateSubscriptionCount),
        [nameof(SessionDiagnosticsDataType.ModifySubscriptionCount)] = from => Variant.Of(from.ModifySubscriptionCount),
        [nameof(SessionDiagnosticsDataType.SetPublishingModeCount)] = from => Variant.Of(from.SetPublishingModeCount),
        [nameof(SessionDiagnosticsDataType.PublishCount)] = from => Variant.Of(from.PublishCount),
        [nameof(SessionDiagnosticsDataType.RepublishCount)] = from => Variant.Of(from.RepublishCount),
        [nameof(SessionDiagnosticsDataType.TransferSubscriptionsCount)] = from => Variant.Of(from.TransferSubscriptionsCount),
        [nameof(SessionDiagnosticsDataType.DeleteSubscriptionsCount)] = from => Variant.Of(from.DeleteSubscriptionsCount),
        [nameof(SessionDiagnosticsDataType.AddNodesCount)] = from => Variant.Of(from.AddNodesCount),
        [nameof(SessionDiagnosticsDataType.AddReferencesCount)] = from => Variant.Of(from.AddReferencesCount),
        [nameof(SessionDiagnosticsDataType.DeleteNodesCount)] = from => Variant.Of(from.DeleteNodesCount),
        [nameof(SessionDiagnosticsDataType.DeleteReferencesCount)] = from => Variant.Of(from.DeleteReferencesCount),
        [nameof(SessionDiagnosticsDataType.BrowseCount)] = from => Variant.Of(from.BrowseCount),
        [nameof(SessionDiagnosticsDataType.BrowseNextCount)] = from => Variant.Of(from.BrowseNextCount),
        [nameof(SessionDiagnosticsDataType.TranslateBrowsePathsToNodeIdsCount)] = from =>
            Variant.Of(from.TranslateBrowsePathsToNodeIdsCount),
        [nameof(SessionDiagnosticsDataType.QueryFirstCount)] = from => Variant.Of(from.QueryFirstCount),
        [nameof(SessionDiagnosticsDataType.QueryNextCount)] = from => Variant.Of(from.QueryNextCount),
        [nameof(SessionDiagnosticsDataType.RegisterNodesCount)] = from => Variant.Of(from.RegisterNodesCount),
        [nameof(SessionDiagnosticsDataType.UnregisterNodesCount)] = from => Variant.Of(from.UnregisterNodesCount),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    public static readonly FrozenDictionary<string, Func<SessionSecurityDiagnosticsDataType, Variant>> OfSecurity = new Dictionary<
        string,
        Func<SessionSecurityDiagnosticsDataType, Variant>
    >
    {
        [nameof(SessionSecurityDiagnosticsDataType.SessionId)] = from => Variant.Of(from.SessionId),
        [nameof(SessionSecurityDiagnosticsDataType.ClientUserIdOfSession)] = from => Variant.Of(from.ClientUserIdOfSession),
        [nameof(SessionSecurityDiagnosticsDataType.ClientUserIdHistory)] = from => Variant.Of(from.ClientUserIdHistory),
        [nameof(SessionSecurityDiagnosticsDataType.AuthenticationMechanism)] = from => Variant.Of(from.AuthenticationMechanism),
        [nameof(SessionSecurityDiagnosticsDataType.Encoding)] = from => Variant.Of(from.Encoding),
        [nameof(SessionSecurityDiagnosticsDataType.TransportProtocol)] = from => Variant.Of(from.TransportProtocol),
        [nameof(SessionSecurityDiagnosticsDataType.SecurityMode)] = from => Variant.Of((int)from.SecurityMode),
        [nameof(SessionSecurityDiagnosticsDataType.SecurityPolicyUri)] = from => Variant.Of(from.SecurityPolicyUri),
        [nameof(SessionSecurityDiagnosticsDataType.ClientCertificate)] = from => Variant.OfByteString(from.ClientCertificate),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    public static readonly FrozenDictionary<string, Func<SubscriptionDiagnosticsDataType, Variant>> OfSubscription = new Dictionary<
        string,
        Func<SubscriptionDiagnosticsDataType, Variant>
    >
    {
        [nameof(SubscriptionDiagnosticsDataType.SessionId)] = from => Variant.Of(from.SessionId),
        [nameof(SubscriptionDiagnosticsDataType.SubscriptionId)] = from => Variant.Of(from.SubscriptionId),
        [nameof(SubscriptionDiagnosticsDataType.Priority)] = from => Variant.Of(from.Priority),
        [nameof(SubscriptionDiagnosticsDataType.PublishingInterval)] = from => Variant.Of(from.PublishingInterval),
        [nameof(SubscriptionDiagnosticsDataType.MaxKeepAliveCount)] = from => Variant.Of(from.MaxKeepAliveCount),
        [nameof(SubscriptionDiagnosticsDataType.MaxLifetimeCount)] = from => Variant.Of(from.MaxLifetimeCount),
        [nameof(SubscriptionDiagnosticsDataType.MaxNotificationsPerPublish)] = from => Variant.Of(from.MaxNotificationsPerPublish),
        [nameof(SubscriptionDiagnosticsDataType.PublishingEnabled)] = from => Variant.Of(from.PublishingEnabled),
        [nameof(SubscriptionDiagnosticsDataType.ModifyCount)] = from => Variant.Of(from.ModifyCount),
        [nameof(SubscriptionDiagnosticsDataType.EnableCount)] = from => Variant.Of(from.EnableCount),
        [nameof(SubscriptionDiagnosticsDataType.DisableCount)] = from => Variant.Of(from.DisableCount),
        [nameof(SubscriptionDiagnosticsDataType.RepublishRequestCount)] = from => Variant.Of(from.RepublishRequestCount),
        [nameof(SubscriptionDiagnosticsDataType.RepublishMessageRequestCount)] = from => Variant.Of(from.RepublishMessageRequestCount),
        [nameof(SubscriptionDiagnosticsDataType.RepublishMessageCount)] = from => Variant.Of(from.RepublishMessageCount),
        [nameof(SubscriptionDiagnosticsDataType.TransferRequestCount)] = from => Variant.Of(from.TransferRequestCount),
        [nameof(SubscriptionDiagnosticsDataType.TransferredToAltClientCount)] = from => Variant.Of(from.TransferredToAltClientCount),
        [nameof(SubscriptionDiagnosticsDataType.TransferredToSameClientCount)] = from => Variant.Of(from.TransferredToSameClientCount),
        [nameof(SubscriptionDiagnosticsDataType.PublishRequestCount)] = from => Variant.Of(from.PublishRequestCount),
        [nameof(SubscriptionDiagnosticsDataType.DataChangeNotificationsCount)] = from => Variant.Of(from.DataChangeNotificationsCount),
        [nameof(SubscriptionDiagnosticsDataType.EventNotificationsCount)] = from => Variant.Of(from.EventNotificationsCount),
        [nameof(SubscriptionDiagnosticsDataType.NotificationsCount)] = from => Variant.Of(from.NotificationsCount),
        [nameof(SubscriptionDiagnosticsDataType.LatePublishRequestCount)] = from => Variant.Of(from.LatePublishRequestCount),
        [nameof(SubscriptionDiagnosticsDataType.CurrentKeepAliveCount)] = from => Variant.Of(from.CurrentKeepAliveCount),
        [nameof(SubscriptionDiagnosticsDataType.CurrentLifetimeCount)] = from => Variant.Of(from.CurrentLifetimeCount),
        [nameof(SubscriptionDiagnosticsDataType.UnacknowledgedMessageCount)] = from => Variant.Of(from.UnacknowledgedMessageCount),
        [nameof(SubscriptionDiagnosticsDataType.DiscardedMessageCount)] = from => Variant.Of(from.DiscardedMessageCount),
        [nameof(SubscriptionDiagnosticsDataType.MonitoredItemCount)] = from => Variant.Of(from.MonitoredItemCount),
        [nameof(SubscriptionDiagnosticsDataType.DisabledMonitoredItemCount)] = from => Variant.Of(from.DisabledMonitoredItemCount),
        [nameof(SubscriptionDiagnosticsDataType.MonitoringQueueOverflowCount)] = from => Variant.Of(from.MonitoringQueueOverflowCount),
        [nameof(SubscriptionDiagnosticsDataType.NextSequenceNumber)] = from => Variant.Of(from.NextSequenceNumber),
        ["EventQueueOverflowCount"] = from => Variant.Of(from.EventQueueOverFlowCount),
    }.ToFrozenDictionary(StringComparer.Ordinal);
}
