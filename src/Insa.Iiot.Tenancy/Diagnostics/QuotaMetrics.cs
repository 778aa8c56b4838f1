using System.Diagnostics.Metrics;

namespace Insa.Iiot.Tenancy.Diagnostics;

/// <summary>The instruments of quotas.</summary>
internal sealed class QuotaMetrics
{
    public const string MeterName = "Insa.Iiot.Tenancy";

    private readonly Counter<long> _refused;
    private readonly Counter<long> _warnings;
    private readonly Counter<long> _failures;

    public QuotaMetrics(IMeterFactory factory)
    {
        var meter = factory.Create(MeterName);
        _refused = meter.CreateCounter<long>("insa.iiot.tenancy.messages.refused", "{message}", "Messages not admitted, by reason.");
        _warnings = meter.CreateCounter<long>("insa.iiot.tenancy.usage.warnings", "{warning}", "Limits that came to four fifths.");
        _failures = meter.CreateCounter<long>(
            "insa.iiot.tenancy.quota.failures",
            "{attempt}",
            "Attempts to read tenants, lease amounts or write usage that failed."
        );
    }

    /// <param name="reason">Gives one of <c>tenant_inactive</c>, <c>quota_exceeded</c>, <c>rate_limited</c>.</param>
    public void Refused(IngestReason reason) =>
        _refused.Add(
            1,
            new KeyValuePair<string, object?>(
                "reason",
                reason switch
                {
                    IngestReason.TenantInactive => "tenant_inactive",
                    IngestReason.QuotaExceeded => "quota_exceeded",
                    _ => "rate_limited",
                }
            )
        );

    /// <param name="kind">Gives one of <c>count</c>, <c>amount</c>.</param>
    public void Warned(LimitKind kind) =>
        _warnings.Add(1, new KeyValuePair<string, object?>("kind", kind == LimitKind.Count ? "count" : "amount"));

    public void Failed() => _failures.Add(1);
}
