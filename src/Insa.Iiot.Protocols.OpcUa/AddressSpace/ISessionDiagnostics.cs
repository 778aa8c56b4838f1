using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>Knows how sessions fare. A tenant is told of its own. Thread-safe.</summary>
internal interface ISessionDiagnostics
{
    /// <summary>Whether the tenant has its diagnostics switched on.</summary>
    bool IsEnabled(TenantId tenant);

    /// <summary>Switches a tenant's diagnostics off, or on: then all counts begin anew.</summary>
    void SetEnabled(TenantId tenant, bool isEnabled);

    /// <summary>The tenant's sessions.</summary>
    UaSession[] ListSessions(TenantId tenant);

    /// <summary>Finds a session of the tenant by its id.</summary>
    UaSession? FindSession(TenantId tenant, NodeIdView id);

    /// <summary>The counts of sessions and requests; those of subscriptions are 0.</summary>
    ServerDiagnosticsSummaryDataType Summarize(TenantId tenant);

    SessionDiagnosticsDataType Describe(UaSession session);

    SessionSecurityDiagnosticsDataType DescribeSecurity(UaSession session);
}
