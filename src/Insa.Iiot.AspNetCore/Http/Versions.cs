using System.Globalization;
using Insa.Iiot.AspNetCore.Problems;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Insa.Iiot.AspNetCore.Http;

/// <summary>Versions as entity tags (RFC 9110 §8.8.3): an answer says which it is of, and who changes something says which they have seen.</summary>
internal static class Versions
{
    public static void Tell(HttpContext context, long version) => context.Response.Headers.ETag = $"\"{version}\"";

    /// <summary>Reads <c>If-Match</c>; <c>*</c> stands for the current version.</summary>
    public static Problem? Read(HttpContext context, long current, out long seen)
    {
        seen = current;
        string? header = context.Request.Headers.IfMatch;
        if (string.IsNullOrEmpty(header))
            return new Problem(ProblemKind.PreconditionRequired, "Send the ETag of what you have read as If-Match, or * for any.");
        if (header == "*")
            return null;
        if (
            header is not ['"', .. var number, '"']
            || !long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out seen)
            || seen != current
        )
            return new Problem(ProblemKind.Changed, "It is of another version by now.");
        return null;
    }

    /// <summary>Answers with a thing and its version, or that the caller has this version already (RFC 9110 §13.1.2).</summary>
    public static Results<Ok<T>, StatusCodeHttpResult, Problem> Answer<T>(HttpContext context, long version, T thing)
    {
        Tell(context, version);
        return context.Request.Headers.IfNoneMatch is { Count: 1 } tags && tags[0] == context.Response.Headers.ETag
            ? TypedResults.StatusCode(StatusCodes.Status304NotModified)
            : TypedResults.Ok(thing);
    }
}
