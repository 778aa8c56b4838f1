using System.Diagnostics.Metrics;

namespace Insa.Iiot.AspNetCore.Diagnostics;

internal sealed class RestMetrics
{
    public const string MeterName = "Insa.Iiot.AspNetCore";

    private readonly Counter<long> _refused;

    public RestMetrics(IMeterFactory meters) =>
        _refused = meters
            .Create(MeterName)
            .CreateCounter<long>("insa.iiot.http.requests.refused", "{request}", "Requests that a guard or a limit refused, by reason.");

    /// <param name="reason">The name of a problem kind.</param>
    public void Refused(string reason) => _refused.Add(1, new KeyValuePair<string, object?>("reason", reason));
}
