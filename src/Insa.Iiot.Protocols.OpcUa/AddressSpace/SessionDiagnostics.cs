using System.Collections.Concurrent;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Server;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>Tells of sessions what the table of sessions knows. What happens before a client signs in is no tenant's, and not told to any.</summary>
internal sealed class SessionDiagnostics(Lazy<SessionTable> sessions, Lazy<ISubscriptionDiagnostics> subscriptions, TimeProvider time)
    : ISessionDiagnostics,
        IServiceModule
{
    private readonly ConcurrentDictionary<TenantId, uint> _opened = [];

    public void Register(ServiceTable table) => table.WhenSessionOpens(Count);

    public ServerDiagnosticsSummaryDataType Summarize(TenantId tenant) =>
        new() { CurrentSessionCount = (uint)ListOf(tenant).Count(), CumulatedSessionCount = _opened.GetValueOrDefault(tenant) };

    public SessionDiagnosticsDataType[] ListSessions(TenantId tenant)
    {
        var all = subscriptions.Value.ListSubscriptions(tenant);
        return [.. ListOf(tenant).Select(session => Describe(session, all))];
    }

    public SessionSecurityDiagnosticsDataType[] ListSecurity(TenantId tenant) => [.. ListOf(tenant).Select(DescribeSecurity)];

    private IEnumerable<UaSession> ListOf(TenantId tenant) => sessions.Value.All.Where(session => session.Identity?.Tenant == tenant);

    private ValueTask<StatusCode> Count(UaSession session, TenantId tenant, CancellationToken cancellationToken)
    {
        _opened.AddOrUpdate(tenant, 1, static (_, count) => count + 1);
        return new(StatusCodes.Good);
    }

    private SessionDiagnosticsDataType Describe(UaSession session, SubscriptionDiagnosticsDataType[] all)
    {
        var own = all.Where(subscription => subscription.SessionId == session.Id).ToList();
        var none = new ServiceCounterDataType();
        return new SessionDiagnosticsDataType
        {
            SessionId = session.Id,
            SessionName = session.Name,
            ClientDescription = session.Client,
            EndpointUrl = session.EndpointUrl,
            LocaleIds = [.. session.Locales],
            ActualSessionTimeout = session.Timeout.TotalMilliseconds,
            MaxResponseMessageSize = session.MaxResponseBytes,
            ClientConnectionTime = session.CreatedAt,
            ClientLastContactTime = UaDateTime.From(time.GetUtcNow() - time.GetElapsedTime(session.LastUsedAt)),
            CurrentSubscriptionsCount = (uint)own.Count,
            CurrentMonitoredItemsCount = (uint)own.Sum(subscription => subscription.MonitoredItemCount),
            TotalRequestCount = none,
            ReadCount = none,
            HistoryReadCount = none,
            WriteCount = none,
            HistoryUpdateCount = none,
            CallCount = none,
            CreateMonitoredItemsCount = none,
            ModifyMonitoredItemsCount = none,
            SetMonitoringModeCount = none,
            SetTriggeringCount = none,
            DeleteMonitoredItemsCount = none,
            CreateSubscriptionCount = none,
            ModifySubscriptionCount = none,
            SetPublishingModeCount = none,
            PublishCount = none,
            RepublishCount = none,
            TransferSubscriptionsCount = none,
            DeleteSubscriptionsCount = none,
            AddNodesCount = none,
            AddReferencesCount = none,
            DeleteNodesCount = none,
            DeleteReferencesCount = none,
            BrowseCount = none,
            BrowseNextCount = none,
            TranslateBrowsePathsToNodeIdsCount = none,
            QueryFirstCount = none,
            QueryNextCount = none,
            RegisterNodesCount = none,
            UnregisterNodesCount = none,
        };
    }

    private static SessionSecurityDiagnosticsDataType DescribeSecurity(UaSession session)
    {
        var identity = session.ActiveIdentity;
        return new SessionSecurityDiagnosticsDataType
        {
            SessionId = session.Id,
            ClientUserIdOfSession = identity.Name,
            ClientUserIdHistory = [identity.Name],
            AuthenticationMechanism = identity.Kind,
            Encoding = "UA Binary",
            TransportProtocol = "opc.tcp",
            SecurityMode = session.Channel.Mode,
            SecurityPolicyUri = session.Channel.Policy.Uri,
            ClientCertificate = session.ClientCertificate,
        };
    }
}
