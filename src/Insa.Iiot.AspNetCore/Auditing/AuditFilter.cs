using Insa.Iiot.AspNetCore.Problems;
using Microsoft.AspNetCore.Http;

namespace Insa.Iiot.AspNetCore.Auditing;

/// <summary>
/// Logs an endpoint's use before its answer leaves: what a caller was told is in the log. And what broke off, because the caller left or the host
/// failed: it may have been done.
/// </summary>
internal sealed class AuditFilter(AuditTrail trail) : IEndpointFilter
{
    private const string Aborted = "aborted";

    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        object? result;
        try
        {
            result = await next(context).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            await trail.WriteAsync(http, RefusalOf(e)).ConfigureAwait(false);
            throw;
        }

        await trail.WriteAsync(http, RefusalOf(result)).ConfigureAwait(false);
        return result;
    }

    private static string RefusalOf(Exception e) =>
        e is OperationCanceledException ? Aborted : (ProblemMapping.ToProblem(e)?.Kind ?? ProblemKind.Failed).Name;

    private static string? RefusalOf(object? result)
    {
        while (result is INestedHttpResult nested)
            result = nested.Result;
        return (result as Problem)?.Kind.Name;
    }
}
