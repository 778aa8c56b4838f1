using Insa.Iiot.AspNetCore.Problems;
using Microsoft.AspNetCore.Http;

namespace Insa.Iiot.AspNetCore.Auditing;

/// <summary>Logs an endpoint's use before its answer leaves: what a caller was told is in the log.</summary>
internal sealed class AuditFilter(AuditTrail trail) : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        object? result;
        try
        {
            result = await next(context).ConfigureAwait(false);
        }
        catch (Exception e) when (ProblemMapping.ToProblem(e) is { } refusal)
        {
            await trail.WriteAsync(http, refusal.Kind.Name).ConfigureAwait(false);
            throw;
        }

        await trail.WriteAsync(http, RefusalOf(result)).ConfigureAwait(false);
        return result;
    }

    private static string? RefusalOf(object? result)
    {
        while (result is INestedHttpResult nested)
            result = nested.Result;
        return (result as Problem)?.Kind.Name;
    }
}
