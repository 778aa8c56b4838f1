using System.Globalization;
using Insa.Iiot.AspNetCore.Auditing;
using Insa.Iiot.AspNetCore.Http;
using Insa.Iiot.AspNetCore.Problems;
using Insa.Iiot.Tenancy;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using static Insa.Iiot.AspNetCore.Api.TelemetryContracts;

namespace Insa.Iiot.AspNetCore.Api;

/// <summary>What could not be stored: to be looked at, mended and tried again.</summary>
internal static class DeadLettersApi
{
    public static void Map(RouteGroupBuilder api)
    {
        var letters = api.MapGroup("/dead-letters").WithTags("Dead letters");
        letters
            .MapGet("", ListAsync)
            .RequirePermission(Permissions.TelemetryRead)
            .WithName("listDeadLetters")
            .WithSummary("What could not be stored");
        letters
            .MapGet("/{letterId}", GetAsync)
            .RequirePermission(Permissions.TelemetryRead)
            .WithName("getDeadLetter")
            .WithSummary("A dead letter");
        letters
            .MapPost("/{letterId}/replay", ReplayAsync)
            .RequirePermission(Permissions.TelemetryWrite)
            .Audits("dead-letter.replay")
            .WithName("replayDeadLetter")
            .WithSummary("Store a dead letter, mended if need be, as of when it came");
        letters
            .MapDelete("/{letterId}", RemoveAsync)
            .RequirePermission(Permissions.TelemetryWrite)
            .Audits("dead-letter.delete")
            .WithName("deleteDeadLetter")
            .WithSummary("Throw a dead letter away");
    }

    private static async Task<Results<Ok<Page<TelemetryContracts.DeadLetter>>, Problem>> ListAsync(
        [AsParameters] PageQuery page,
        Caller caller,
        IDeadLetterStore store,
        HttpContext http
    )
    {
        var list = $"dead letters of {caller.Tenant}";
        if (page.Read(list, out var after) is { } problem)
            return problem;
        var last = after is null ? 0 : long.Parse(after, CultureInfo.InvariantCulture);
        var found = await store.ListAsync(caller.Tenant, last, page.Count, http.RequestAborted).ConfigureAwait(false);
        return TypedResults.Ok(page.ToPage(list, found, ToAnswer, IdOf));
    }

    private static async Task<Results<Ok<TelemetryContracts.DeadLetter>, Problem>> GetAsync(
        string letterId,
        Caller caller,
        IDeadLetterStore store,
        HttpContext http
    ) =>
        await FindAsync(letterId, caller, store, http).ConfigureAwait(false) is { } letter
            ? TypedResults.Ok(ToAnswer(letter))
            : Problem.NotFound();

    private static async Task<Results<NoContent, Problem>> ReplayAsync(
        string letterId,
        Body<Replay> body,
        Caller caller,
        IDeadLetterStore store,
        IDeviceRegistry registry,
        ITelemetryIngress ingress,
        HttpContext http
    )
    {
        if (await FindAsync(letterId, caller, store, http).ConfigureAwait(false) is not { } letter)
            return Problem.NotFound();
        if (await registry.FindAsync(caller.Tenant, letter.Device, http.RequestAborted).ConfigureAwait(false) is null)
            return new Problem(ProblemKind.Conflict, "Its device is no longer registered.");
        var payload = body.Value.Payload is { } mended ? mended : letter.Payload;

        // Sent twice, it is stored once: the same device, metrics and times.
        var problem = await TelemetryIntake
            .SubmitAsync(
                ingress,
                new DeviceSession(caller.Tenant, letter.Device),
                body.Value.MediaType ?? letter.MediaType,
                payload,
                DateTime.SpecifyKind(letter.ReceivedAt, DateTimeKind.Utc),
                http.RequestAborted
            )
            .ConfigureAwait(false);
        if (problem is not null)
            return problem;
        await store.RemoveAsync(caller.Tenant, letter.Id, CancellationToken.None).ConfigureAwait(false);
        return TypedResults.NoContent();
    }

    private static async Task<Results<NoContent, Problem>> RemoveAsync(
        string letterId,
        Caller caller,
        IDeadLetterStore store,
        HttpContext http
    ) =>
        TryReadId(letterId, out var id) && await store.RemoveAsync(caller.Tenant, id, http.RequestAborted).ConfigureAwait(false)
            ? TypedResults.NoContent()
            : Problem.NotFound();

    private static async ValueTask<Insa.Iiot.DeadLetter?> FindAsync(
        string letterId,
        Caller caller,
        IDeadLetterStore store,
        HttpContext http
    ) => TryReadId(letterId, out var id) ? await store.FindAsync(caller.Tenant, id, http.RequestAborted).ConfigureAwait(false) : null;

    private static bool TryReadId(string text, out long id) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out id);

    private static string IdOf(Insa.Iiot.DeadLetter letter) => letter.Id.ToString(CultureInfo.InvariantCulture);

    private static TelemetryContracts.DeadLetter ToAnswer(Insa.Iiot.DeadLetter letter) =>
        new(
            IdOf(letter),
            letter.Device.Value,
            Times.Utc(letter.ReceivedAt),
            Names.Of(letter.Reason),
            letter.MediaType,
            Convert.ToBase64String(letter.Payload.Span)
        );
}
