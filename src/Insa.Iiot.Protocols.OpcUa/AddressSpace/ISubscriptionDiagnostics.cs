using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>Knows how subscriptions fare. A tenant is told of its own. Thread-safe.</summary>
internal interface ISubscriptionDiagnostics
{
    SubscriptionDiagnosticsDataType[] ListSubscriptions(TenantId tenant);

    /// <summary>How many there have been since the server started.</summary>
    uint CumulatedCount(TenantId tenant);

    /// <summary>How many publishing intervals are in use.</summary>
    uint PublishingIntervalCount(TenantId tenant);
}
