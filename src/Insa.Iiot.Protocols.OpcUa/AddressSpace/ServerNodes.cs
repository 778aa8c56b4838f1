using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Events;
using Insa.Iiot.Protocols.OpcUa.History;
using Insa.Iiot.Protocols.OpcUa.Subscriptions;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>Gives the variables of the server object their values (OPC 10000-5 §6.3).</summary>
internal sealed class ServerNodes(ServerDescription server, TimeProvider time)
{
    private static readonly string?[] _locales = ["en"];

    private readonly long _startTime = time.GetUaTicks();

    public void AddStatus(ServerValues values)
    {
        var build = new BuildInfo
        {
            ProductUri = server.ProductUri,
            ManufacturerName = server.ManufacturerName,
            ProductName = server.ProductName,
            SoftwareVersion = server.SoftwareVersion,
            BuildNumber = server.SoftwareVersion,
            BuildDate = _startTime,
        };
        values.Set(NodeIds.Server_ServerArray, Variant.Of(new string?[] { server.ApplicationUri }));
        values.Set(NodeIds.Server_NamespaceArray, space => Variant.Of(space.NamespaceUris));
        values.Set(
            NodeIds.Server_ServerStatus,
            _ =>
                Variant.Of(
                    new ServerStatusDataType
                    {
                        StartTime = _startTime,
                        CurrentTime = time.GetUaTicks(),
                        State = ServerState.Running,
                        BuildInfo = build,
                    }
                )
        );
        values.Set(NodeIds.Server_ServerStatus_StartTime, Variant.OfDateTime(_startTime));
        values.Set(NodeIds.Server_ServerStatus_CurrentTime, _ => Variant.OfDateTime(time.GetUaTicks()));
        values.Set(NodeIds.Server_ServerStatus_State, Variant.Of((int)ServerState.Running));
        values.Set(NodeIds.Server_ServerStatus_BuildInfo, Variant.Of(build));
        values.Set(NodeIds.Server_ServerStatus_BuildInfo_ProductUri, Variant.Of(build.ProductUri));
        values.Set(NodeIds.Server_ServerStatus_BuildInfo_ManufacturerName, Variant.Of(build.ManufacturerName));
        values.Set(NodeIds.Server_ServerStatus_BuildInfo_ProductName, Variant.Of(build.ProductName));
        values.Set(NodeIds.Server_ServerStatus_BuildInfo_SoftwareVersion, Variant.Of(build.SoftwareVersion));
        values.Set(NodeIds.Server_ServerStatus_BuildInfo_BuildNumber, Variant.Of(build.BuildNumber));
        values.Set(NodeIds.Server_ServerStatus_BuildInfo_BuildDate, Variant.OfDateTime(build.BuildDate));
        values.Set(NodeIds.Server_ServerStatus_SecondsTillShutdown, Variant.Of(0u));
        values.Set(NodeIds.Server_ServerStatus_ShutdownReason, Variant.Of(default(LocalizedText)));
        values.Set(NodeIds.Server_ServiceLevel, Variant.Of(byte.MaxValue));
        values.Set(NodeIds.Server_Auditing, Variant.Of(false));
        values.Set(NodeIds.Server_EstimatedReturnTime, Variant.OfDateTime(0));
        values.Set(NodeIds.Server_ServerRedundancy_RedundancySupport, Variant.Of((int)RedundancySupport.None));
    }

    public void AddCapabilities(ServerValues values, SubscriptionLimits subscriptions, HistoryLimits history, EncodingLimits encoding)
    {
        values.Set(NodeIds.Server_ServerCapabilities_ServerProfileArray, Variant.Of(server.Profiles.ToArray<string?>()));
        values.Set(NodeIds.Server_ServerCapabilities_LocaleIdArray, Variant.Of(_locales));
        values.Set(
            NodeIds.Server_ServerCapabilities_MinSupportedSampleRate,
            Variant.Of(subscriptions.MinSamplingInterval.TotalMilliseconds)
        );
        values.Set(NodeIds.Server_ServerCapabilities_MaxBrowseContinuationPoints, Variant.Of((ushort)OperationLimits.BrowsePoints));
        values.Set(NodeIds.Server_ServerCapabilities_MaxQueryContinuationPoints, Variant.Of((ushort)0));
        values.Set(NodeIds.Server_ServerCapabilities_MaxHistoryContinuationPoints, Variant.Of((ushort)history.MaxContinuationPoints));
        values.Set(NodeIds.Server_ServerCapabilities_SoftwareCertificates, Variant.Of(Array.Empty<ExtensionObject>()));
        values.Set(NodeIds.Server_ServerCapabilities_MaxArrayLength, Count(encoding.MaxArrayLength));
        values.Set(NodeIds.Server_ServerCapabilities_MaxStringLength, Count(encoding.MaxStringBytes));
        values.Set(NodeIds.Server_ServerCapabilities_MaxByteStringLength, Count(encoding.MaxByteStringBytes));
        values.Set(NodeIds.Server_ServerCapabilities_MaxSessions, Count(server.MaxSessions));
        values.Set(NodeIds.Server_ServerCapabilities_MaxSubscriptions, Count(subscriptions.MaxSubscriptionsPerTenant));
        values.Set(NodeIds.Server_ServerCapabilities_MaxMonitoredItems, Count(subscriptions.MaxItemsPerTenant));
        values.Set(NodeIds.Server_ServerCapabilities_MaxSubscriptionsPerSession, Count(subscriptions.MaxSubscriptionsPerSession));
        values.Set(NodeIds.Server_ServerCapabilities_MaxMonitoredItemsPerSubscription, Count(subscriptions.MaxItemsPerSubscription));
        values.Set(NodeIds.Server_ServerCapabilities_MaxMonitoredItemsQueueSize, Count(subscriptions.MaxQueueSize));
        values.Set(NodeIds.Server_ServerCapabilities_MaxSelectClauseParameters, Count(EventQueryReader.MaxSelectClauses));
        values.Set(NodeIds.Server_ServerCapabilities_MaxWhereClauseParameters, Count(EventQueryReader.MaxWhereOperands));
        values.Set(NodeIds.Server_ServerCapabilities_ConformanceUnits, Variant.Of(Array.Empty<QualifiedName>()));

        values.Set(NodeIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead, Count(OperationLimits.NodesPerRead));
        values.Set(NodeIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerWrite, Count(OperationLimits.NodesPerWrite));
        values.Set(NodeIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerMethodCall, Count(OperationLimits.MethodsPerCall));
        values.Set(NodeIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerBrowse, Count(OperationLimits.NodesPerBrowse));
        values.Set(NodeIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerRegisterNodes, Count(OperationLimits.NodesPerRegister));
        values.Set(
            NodeIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerTranslateBrowsePathsToNodeIds,
            Count(OperationLimits.PathsPerTranslate)
        );
        values.Set(NodeIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerNodeManagement, Count(0));
        values.Set(NodeIds.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall, Count(subscriptions.MaxOperationsPerCall));
        values.Set(NodeIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerHistoryReadData, Count(history.MaxNodesPerRead));
        values.Set(NodeIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerHistoryReadEvents, Count(0));
        values.Set(NodeIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerHistoryUpdateData, Count(history.MaxNodesPerRead));
        values.Set(NodeIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerHistoryUpdateEvents, Count(0));
        AddHistory(values, history);
    }

    public static void AddDiagnostics(ServerValues values, Lazy<ISessionDiagnostics> sessions, Lazy<ISubscriptionDiagnostics> subscriptions)
    {
        values.Set(NodeIds.Server_ServerDiagnostics_EnabledFlag, space => Variant.Of(sessions.Value.IsEnabled(space.Tenant)));
        values.Set(
            NodeIds.Server_ServerDiagnostics_ServerDiagnosticsSummary,
            space =>
            {
                var counts = sessions.Value.Summarize(space.Tenant);
                return Variant.Of(
                    new ServerDiagnosticsSummaryDataType
                    {
                        ServerViewCount = counts.ServerViewCount,
                        CurrentSessionCount = counts.CurrentSessionCount,
                        CumulatedSessionCount = counts.CumulatedSessionCount,
                        SecurityRejectedSessionCount = counts.SecurityRejectedSessionCount,
                        RejectedSessionCount = counts.RejectedSessionCount,
                        SessionTimeoutCount = counts.SessionTimeoutCount,
                        SessionAbortCount = counts.SessionAbortCount,
                        CurrentSubscriptionCount = CurrentSubscriptions(space),
                        CumulatedSubscriptionCount = subscriptions.Value.CumulatedCount(space.Tenant),
                        PublishingIntervalCount = subscriptions.Value.PublishingIntervalCount(space.Tenant),
                        SecurityRejectedRequestsCount = counts.SecurityRejectedRequestsCount,
                        RejectedRequestsCount = counts.RejectedRequestsCount,
                    }
                );
            }
        );
        values.Set(NodeIds.Server_ServerDiagnostics_ServerDiagnosticsSummary_ServerViewCount, Variant.Of(0u));
        Set(NodeIds.Server_ServerDiagnostics_ServerDiagnosticsSummary_CurrentSessionCount, counts => counts.CurrentSessionCount);
        Set(NodeIds.Server_ServerDiagnostics_ServerDiagnosticsSummary_CumulatedSessionCount, counts => counts.CumulatedSessionCount);
        Set(
            NodeIds.Server_ServerDiagnostics_ServerDiagnosticsSummary_SecurityRejectedSessionCount,
            counts => counts.SecurityRejectedSessionCount
        );
        Set(NodeIds.Server_ServerDiagnostics_ServerDiagnosticsSummary_RejectedSessionCount, counts => counts.RejectedSessionCount);
        Set(NodeIds.Server_ServerDiagnostics_ServerDiagnosticsSummary_SessionTimeoutCount, counts => counts.SessionTimeoutCount);
        Set(NodeIds.Server_ServerDiagnostics_ServerDiagnosticsSummary_SessionAbortCount, counts => counts.SessionAbortCount);
        Set(
            NodeIds.Server_ServerDiagnostics_ServerDiagnosticsSummary_SecurityRejectedRequestsCount,
            counts => counts.SecurityRejectedRequestsCount
        );
        Set(NodeIds.Server_ServerDiagnostics_ServerDiagnosticsSummary_RejectedRequestsCount, counts => counts.RejectedRequestsCount);
        values.Set(
            NodeIds.Server_ServerDiagnostics_ServerDiagnosticsSummary_CurrentSubscriptionCount,
            space => Variant.Of(CurrentSubscriptions(space))
        );
        values.Set(
            NodeIds.Server_ServerDiagnostics_ServerDiagnosticsSummary_CumulatedSubscriptionCount,
            space => Variant.Of(subscriptions.Value.CumulatedCount(space.Tenant))
        );
        values.Set(
            NodeIds.Server_ServerDiagnostics_ServerDiagnosticsSummary_PublishingIntervalCount,
            space => Variant.Of(subscriptions.Value.PublishingIntervalCount(space.Tenant))
        );

        // Values are pushed: there are no intervals at which they are sampled.
        values.Set(NodeIds.Server_ServerDiagnostics_SamplingIntervalDiagnosticsArray, Variant.Of(Array.Empty<ExtensionObject>()));
        values.Set(
            NodeIds.Server_ServerDiagnostics_SubscriptionDiagnosticsArray,
            space => Variant.Of(subscriptions.Value.ListSubscriptions(space.Tenant))
        );
        values.Set(
            NodeIds.Server_ServerDiagnostics_SessionsDiagnosticsSummary_SessionDiagnosticsArray,
            space => Variant.Of(Array.ConvertAll(sessions.Value.ListSessions(space.Tenant), sessions.Value.Describe))
        );
        values.Set(
            NodeIds.Server_ServerDiagnostics_SessionsDiagnosticsSummary_SessionSecurityDiagnosticsArray,
            space => Variant.Of(Array.ConvertAll(sessions.Value.ListSessions(space.Tenant), sessions.Value.DescribeSecurity))
        );

        uint CurrentSubscriptions(TenantSpace space) => (uint)subscriptions.Value.ListIds(space.Tenant).Length;

        void Set(uint id, Func<ServerDiagnosticsSummaryDataType, uint> count) =>
            values.Set(id, space => Variant.Of(count(sessions.Value.Summarize(space.Tenant))));
    }

    private static void AddHistory(ServerValues values, HistoryLimits history)
    {
        values.Set(NodeIds.HistoryServerCapabilities_AccessHistoryDataCapability, Variant.Of(true));
        values.Set(NodeIds.HistoryServerCapabilities_AccessHistoryEventsCapability, Variant.Of(false));
        values.Set(NodeIds.HistoryServerCapabilities_MaxReturnDataValues, Count(history.MaxValuesPerNode));
        values.Set(NodeIds.HistoryServerCapabilities_MaxReturnEventValues, Count(0));
        foreach (
            var capability in (ReadOnlySpan<uint>)
                [
                    NodeIds.HistoryServerCapabilities_InsertDataCapability,
                    NodeIds.HistoryServerCapabilities_ReplaceDataCapability,
                    NodeIds.HistoryServerCapabilities_UpdateDataCapability,
                    NodeIds.HistoryServerCapabilities_DeleteRawCapability,
                    NodeIds.HistoryServerCapabilities_DeleteAtTimeCapability,
                    NodeIds.HistoryServerCapabilities_InsertAnnotationCapability,
                    NodeIds.HistoryServerCapabilities_InsertEventCapability,
                    NodeIds.HistoryServerCapabilities_ReplaceEventCapability,
                    NodeIds.HistoryServerCapabilities_UpdateEventCapability,
                    NodeIds.HistoryServerCapabilities_DeleteEventCapability,
                    NodeIds.HistoryServerCapabilities_ServerTimestampSupported,
                ]
        )
        {
            values.Set(capability, Variant.Of(false));
        }
    }

    private static Variant Count(int count) => Variant.Of((uint)count);
}
