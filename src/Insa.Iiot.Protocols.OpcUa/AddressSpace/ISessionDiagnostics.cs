using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>Knows how sessions fare. A tenant is told of its own. Thread-safe.</summary>
internal interface ISessionDiagnostics
{
    /// <summary>The counts of sessions and requests; those of subscriptions are 0.</summary>
    ServerDiagnosticsSummaryDataType Summarize(TenantId tenant);

    SessionDiagnosticsDataType[] ListSessions(TenantId tenant);

    SessionSecurityDiagnosticsDataType[] ListSecurity(TenantId tenant);
}
