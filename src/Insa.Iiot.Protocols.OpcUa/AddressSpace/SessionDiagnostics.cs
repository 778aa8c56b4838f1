using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Server;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>Tells of sessions what the table of sessions and their counters know. What happens before a client signs in is no tenant's, and not told to any.</summary>
internal sealed class SessionDiagnostics(
    Lazy<SessionTable> sessions,
    Lazy<ISubscriptionDiagnostics> subscriptions,
    SessionCounts counts,
    ServerIdentity server,
    TimeProvider time
) : ISessionDiagnostics, IServiceModule
{
    public void Register(ServiceTable table) => table.WhenSessionOpens(Count);

    public bool IsEnabled(TenantId tenant) => counts.Of(tenant).IsEnabled;

    public void SetEnabled(TenantId tenant, bool isEnabled)
    {
        if (!isEnabled)
        {
            counts.Of(tenant).Disable();
            return;
        }

        var own = ListSessions(tenant);
        foreach (var session in own)
            session.Counters.Reset();
        subscriptions.Value.Reset(tenant);
        counts.Of(tenant).Enable((uint)own.Length);
    }

    public UaSession[] ListSessions(TenantId tenant) =>
        [.. sessions.Value.All.Where(session => session.Identity?.Tenant == tenant).OrderBy(session => session.CreatedAt)];

    public UaSession? FindSession(TenantId tenant, NodeIdView id) =>
        sessions.Value.FindById(id) is { } session && session.Identity?.Tenant == tenant ? session : null;

    public ServerDiagnosticsSummaryDataType Summarize(TenantId tenant)
    {
        var counters = counts.Of(tenant);
        return new()
        {
            CurrentSessionCount = (uint)sessions.Value.All.Count(session => session.Identity?.Tenant == tenant),
            CumulatedSessionCount = counters.SessionsOpened,
            SecurityRejectedSessionCount = counters.SessionsSecurityRejected,
            RejectedSessionCount = counters.SessionsRejected,
            SessionTimeoutCount = counters.SessionsTimedOut,
            SessionAbortCount = counters.SessionsAborted,
            SecurityRejectedRequestsCount = counters.RequestsSecurityRejected,
            RejectedRequestsCount = counters.RequestsRejected,
        };
    }

    public SessionDiagnosticsDataType Describe(UaSession session)
    {
        var own = subscriptions.Value.ListSubscriptions(session);
        var counters = session.Counters;
        return new SessionDiagnosticsDataType
        {
            SessionId = session.Id,
            SessionName = session.Name,
            ClientDescription = session.Client,
            ServerUri = server.ApplicationUri,
            EndpointUrl = session.EndpointUrl,
            LocaleIds = [.. session.Locales],
            ActualSessionTimeout = session.Timeout.TotalMilliseconds,
            MaxResponseMessageSize = session.MaxResponseBytes,
            ClientConnectionTime = session.CreatedAt,
            ClientLastContactTime = UaDateTime.From(time.GetUtcNow() - time.GetElapsedTime(session.LastUsedAt)),
            CurrentSubscriptionsCount = (uint)own.Length,
            CurrentMonitoredItemsCount = (uint)own.Sum(subscription => subscription.MonitoredItemCount),
            CurrentPublishRequestsInQueue = subscriptions.Value.CountPublishRequests(session),
            TotalRequestCount = counters.Total,
            UnauthorizedRequestCount = counters.Unauthorized,
            ReadCount = counters.Of(CountedService.Read),
            HistoryReadCount = counters.Of(CountedService.HistoryRead),
            WriteCount = counters.Of(CountedService.Write),
            HistoryUpdateCount = counters.Of(CountedService.HistoryUpdate),
            CallCount = counters.Of(CountedService.Call),
            CreateMonitoredItemsCount = counters.Of(CountedService.CreateMonitoredItems),
            ModifyMonitoredItemsCount = counters.Of(CountedService.ModifyMonitoredItems),
            SetMonitoringModeCount = counters.Of(CountedService.SetMonitoringMode),
            SetTriggeringCount = counters.Of(CountedService.SetTriggering),
            DeleteMonitoredItemsCount = counters.Of(CountedService.DeleteMonitoredItems),
            CreateSubscriptionCount = counters.Of(CountedService.CreateSubscription),
            ModifySubscriptionCount = counters.Of(CountedService.ModifySubscription),
            SetPublishingModeCount = counters.Of(CountedService.SetPublishingMode),
            PublishCount = counters.Of(CountedService.Publish),
            RepublishCount = counters.Of(CountedService.Republish),
            TransferSubscriptionsCount = counters.Of(CountedService.TransferSubscriptions),
            DeleteSubscriptionsCount = counters.Of(CountedService.DeleteSubscriptions),
            AddNodesCount = counters.Of(CountedService.AddNodes),
            AddReferencesCount = counters.Of(CountedService.AddReferences),
            DeleteNodesCount = counters.Of(CountedService.DeleteNodes),
            DeleteReferencesCount = counters.Of(CountedService.DeleteReferences),
            BrowseCount = counters.Of(CountedService.Browse),
            BrowseNextCount = counters.Of(CountedService.BrowseNext),
            TranslateBrowsePathsToNodeIdsCount = counters.Of(CountedService.TranslateBrowsePathsToNodeIds),
            QueryFirstCount = counters.Of(CountedService.QueryFirst),
            QueryNextCount = counters.Of(CountedService.QueryNext),
            RegisterNodesCount = counters.Of(CountedService.RegisterNodes),
            UnregisterNodesCount = counters.Of(CountedService.UnregisterNodes),
        };
    }

    public SessionSecurityDiagnosticsDataType DescribeSecurity(UaSession session)
    {
        var identity = session.ActiveIdentity;
        return new SessionSecurityDiagnosticsDataType
        {
            SessionId = session.Id,
            ClientUserIdOfSession = identity.Name,
            ClientUserIdHistory = [.. session.UserHistory],
            AuthenticationMechanism = identity.Kind,
            Encoding = "UA Binary",
            TransportProtocol = "opc.tcp",
            SecurityMode = session.Channel.Mode,
            SecurityPolicyUri = session.Channel.Policy.Uri,
            ClientCertificate = session.ClientCertificate,
        };
    }

    private ValueTask<StatusCode> Count(UaSession session, TenantId tenant, CancellationToken cancellationToken)
    {
        var counters = counts.Of(tenant);
        session.Counters.Tenant = counters;
        counters.SessionOpened();
        return new(StatusCodes.Good);
    }
}
