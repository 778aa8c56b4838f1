using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Insa.Iiot.AspNetCore.Authentication;
using Insa.Iiot.AspNetCore.Problems;
using Microsoft.AspNetCore.Http;

namespace Insa.Iiot.AspNetCore.Idempotency;

/// <summary>
/// Does what comes with an <c>Idempotency-Key</c> once, whichever host it comes to (draft-ietf-httpapi-idempotency-key-header). The key is good for
/// its caller, tenant and endpoint alone, for a day. What a host had begun when it died can be tried again after a minute; what was begun is not
/// broken off when the caller leaves, and what may have been done is not tried again before that minute is over.
/// </summary>
internal sealed class IdempotencyFilter(IControlStore store, TimeProvider time) : IEndpointFilter
{
    public const string Header = "Idempotency-Key";

    /// <summary>The kind of records that keep answers.</summary>
    public const string Kind = "idempotency";

    private const int LeastKey = 16;
    private const int MostKey = 200;
    private const int MostAnswerBytes = 256 * 1024;

    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(1);

    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        string? key = http.Request.Headers[Header];
        if (key is null)
            return await next(context).ConfigureAwait(false);
        if (key.Length is < LeastKey or > MostKey)
            return Problem.Invalid($"The key has {LeastKey} to {MostKey} characters: take a random UUID.", Header);

        var caller = ((CallerPrincipal)http.User).Caller;
        var scope = caller.HasTenant ? ControlScope.Of(caller.Tenant) : ControlScope.Platform;
        var id = Convert.ToHexStringLower(Hash(caller.Id, http.Request.Method, http.Request.Path, key));
        var request = RequestHash(context);
        while (true)
        {
            var seen = await store.FindAsync(scope, Kind, id, http.RequestAborted).ConfigureAwait(false);
            if (seen is not null && Read(seen) is { } known && known.ExpiresAt > time.GetUtcNow().UtcDateTime)
                return Again(known, request, key);
            var claim = await IdempotencyClaim
                .TryTakeAsync(store, time, (scope, id), seen, request, http.RequestAborted)
                .ConfigureAwait(false);
            if (claim is null)
                continue;
            await using var disposeClaim = claim.ConfigureAwait(false);
            return await RunAsync(context, next, claim, key).ConfigureAwait(false);
        }
    }

    private static async ValueTask<object?> RunAsync(
        EndpointFilterInvocationContext context,
        EndpointFilterDelegate next,
        IdempotencyClaim claim,
        string key
    )
    {
        var http = context.HttpContext;
        var (body, aborted) = (http.Response.Body, http.RequestAborted);
        using var answer = new MemoryStream();
        http.Response.Body = answer;

        // Half of it done would be neither done nor to be tried again.
        http.RequestAborted = CancellationToken.None;
        try
        {
            if (await next(context).ConfigureAwait(false) is IResult result)
                await result.ExecuteAsync(http).ConfigureAwait(false);
            if (http.Response.StatusCode >= StatusCodes.Status500InternalServerError)
                await claim.GiveUpAsync().ConfigureAwait(false);
            else if (answer.Length <= MostAnswerBytes)
                await claim.KeepAsync(AnswerSeal.Close(AnswerOf(http, answer), key), Lifetime).ConfigureAwait(false);
        }
        catch (Exception e) when (ProblemMapping.ToProblem(e) is { } refusal && (int)refusal.Kind.Status < 500)
        {
            await claim.GiveUpAsync().ConfigureAwait(false);
            throw;
        }
        finally
        {
            http.Response.Body = body;
            http.RequestAborted = aborted;
        }

        answer.Position = 0;
        await answer.CopyToAsync(body, aborted).ConfigureAwait(false);
        return Results.Empty;
    }

    private static IdempotencyAnswer AnswerOf(HttpContext http, MemoryStream answer) =>
        new(
            http.Response.StatusCode,
            http.Response.ContentType,
            http.Response.Headers.Location,
            http.Response.Headers.ETag,
            answer.ToArray()
        );

    private static IResult Again(IdempotencyRecord known, byte[] request, string key)
    {
        if (!CryptographicOperations.FixedTimeEquals(known.RequestHash, request))
            return new Problem(ProblemKind.KeyReused, "Take another key for another request.");
        return known.Answer is { Length: > 0 } answer
            ? new GivenAgain(AnswerSeal.Open(answer, key))
            : new Problem(ProblemKind.InProgress, "Ask again with the same key.") { RetryAfter = TimeSpan.FromSeconds(1) };
    }

    // The body has been read: what was read of it is compared, not its white space.
    private static byte[] RequestHash(EndpointFilterInvocationContext context)
    {
        var bodies = context.Arguments.OfType<Http.IBody>().Select(body => JsonSerializer.Serialize(body.Content, body.Content.GetType()));
        return Hash([context.HttpContext.Request.QueryString.Value ?? "", .. bodies]);
    }

    private static byte[] Hash(params IReadOnlyList<string?> parts)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var part in parts)
        {
            var bytes = Encoding.UTF8.GetBytes(part ?? "");
            sha.AppendData(BitConverter.GetBytes(bytes.Length));
            sha.AppendData(bytes);
        }

        return sha.GetHashAndReset();
    }

    private static IdempotencyRecord Read(ControlRecord record) =>
        JsonSerializer.Deserialize(record.Body.Span, IdempotencyJson.Default.IdempotencyRecord)!;

    private sealed class GivenAgain(IdempotencyAnswer answer) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.StatusCode = answer.Status;
            httpContext.Response.ContentType = answer.ContentType;
            httpContext.Response.Headers.Location = answer.Location;
            httpContext.Response.Headers.ETag = answer.ETag;
            httpContext.Response.Headers["Idempotency-Replayed"] = "true";
            return httpContext.Response.Body.WriteAsync(answer.Body, httpContext.RequestAborted).AsTask();
        }
    }
}
