using Insa.Iiot.AspNetCore.Diagnostics;
using Insa.Iiot.AspNetCore.Problems;
using Microsoft.AspNetCore.Http;

namespace Insa.Iiot.AspNetCore.Guards;

/// <summary>Makes every refusal visible.</summary>
internal sealed class GuardRefusals(RestMetrics metrics)
{
    public ValueTask TellAsync(HttpContext context, Caller caller, Problem problem)
    {
        metrics.Refused(problem.Kind.Name);
        return default;
    }
}
