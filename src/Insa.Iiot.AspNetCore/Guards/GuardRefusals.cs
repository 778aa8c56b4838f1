using Insa.Iiot.AspNetCore.Auditing;
using Insa.Iiot.AspNetCore.Authentication;
using Insa.Iiot.AspNetCore.Diagnostics;
using Insa.Iiot.AspNetCore.Problems;
using Microsoft.AspNetCore.Http;

namespace Insa.Iiot.AspNetCore.Guards;

/// <summary>Makes every refusal of a known caller visible: counted, and logged.</summary>
internal sealed class GuardRefusals(RestMetrics metrics, AuditTrail trail)
{
    /// <summary>Counts one that is not logged: a flood must not fill the log.</summary>
    public void Count(Problem problem) => metrics.Refused(problem.Kind.Name);

    public ValueTask TellAsync(HttpContext context, CallerPrincipal caller, Problem problem)
    {
        Count(problem);
        return trail.WriteRefusalAsync(context, caller, problem);
    }
}
