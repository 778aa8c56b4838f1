using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>Knows how subscriptions fare. A tenant is told of its own. Thread-safe.</summary>
internal interface ISubscriptionDiagnostics
{
    SubscriptionDiagnosticsDataType[] ListSubscriptions(TenantId tenant);

    /// <summary>Those of one session.</summary>
    SubscriptionDiagnosticsDataType[] ListSubscriptions(UaSession session);

    /// <summary>The ids of a tenant's subscriptions, or of those of one of its sessions.</summary>
    uint[] ListIds(TenantId tenant, UaSession? session = null);

    /// <summary>One of a tenant.</summary>
    /// <returns><see langword="null"/> if the tenant has none of that id.</returns>
    SubscriptionDiagnosticsDataType? Find(TenantId tenant, uint id);

    /// <summary>How many Publish requests of a session wait.</summary>
    uint CountPublishRequests(UaSession session);

    /// <summary>How many there have been since the server started.</summary>
    uint CumulatedCount(TenantId tenant);

    /// <summary>How many publishing intervals are in use.</summary>
    uint PublishingIntervalCount(TenantId tenant);

    /// <summary>Begins all counts of a tenant anew.</summary>
    void Reset(TenantId tenant);
}
