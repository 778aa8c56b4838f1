using Insa.Iiot.Tenancy.Diagnostics;

namespace Insa.Iiot.Tenancy.Quotas;

/// <summary>Admits messages of active tenants within their rates and amounts.</summary>
internal sealed class TenantAdmission(TenantQuotas quotas, QuotaContext context, QuotaMetrics metrics) : IAdmissionPolicy
{
    private readonly GateClock _clock = context.Clock;

    public AdmissionDecision Admit(DeviceSession session, int payloadBytes)
    {
        var decision = quotas.Of(session.Tenant).Admit(session, payloadBytes, _clock.Now);
        if (decision.Reason != IngestReason.None)
            metrics.Refused(decision.Reason);
        return decision;
    }
}
