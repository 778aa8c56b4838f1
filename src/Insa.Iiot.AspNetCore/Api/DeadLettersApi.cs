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
    private const int LettersAtATime = 10;
    private const int DevicesPerPage = 1000;

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
        var found = new List<Insa.Iiot.DeadLetter>();
        var isMore = await CollectAsync(found, page.Count, last, caller, store, http).ConfigureAwait(false);
        return TypedResults.Ok(PageQuery.ToPage(list, found, isMore, ToAnswer, IdOf));
    }

    // A few at a time: what is read and not shown is never much.
    private static async ValueTask<bool> CollectAsync(
        List<Insa.Iiot.DeadLetter> found,
        int most,
        long last,
        Caller caller,
        IDeadLetterStore store,
        HttpContext http
    )
    {
        var budget = new PageBudget();
        while (found.Count < most)
        {
            var step = Math.Min(LettersAtATime, most - found.Count);
            var some = await store.ListAsync(caller.Tenant, last, step, http.RequestAborted).ConfigureAwait(false);
            foreach (var letter in some)
            {
                found.Add(letter);
                last = letter.Id;
                if (!budget.HasRoomAfter(letter.Payload.Length))
                    return true;
            }

            if (some.Count < step)
                return false;
        }

        return true;
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
        var device = await registry.FindAsync(caller.Tenant, letter.Device, http.RequestAborted).ConfigureAwait(false);
        if (device is null)
            return new Problem(ProblemKind.Conflict, "Its device is no longer registered.");
        if (device.State != DeviceState.Enabled)
            return new Problem(ProblemKind.Conflict, "Its device is disabled: enable it first.");
        var session = new DeviceSession(
            caller.Tenant,
            device.Id,
            await ListSpokenForAsync(device.Id, caller, registry, http).ConfigureAwait(false)
        );
        var payload = body.Value.Payload is { } mended ? mended : letter.Payload;

        // Sent twice, it is stored once: the same device, metrics and times.
        var problem = await TelemetryIntake
            .SubmitAsync(
                ingress,
                session,
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

    // As the device itself would have: a gateway's message names others.
    private static async ValueTask<List<DeviceId>> ListSpokenForAsync(
        DeviceId gateway,
        Caller caller,
        IDeviceRegistry registry,
        HttpContext http
    )
    {
        var others = new List<DeviceId>();
        DeviceId? after = null;
        IReadOnlyList<Device> some;
        do
        {
            some = await registry
                .ListByGatewayAsync(caller.Tenant, gateway, after, DevicesPerPage, http.RequestAborted)
                .ConfigureAwait(false);
            others.AddRange(some.Where(device => device.State == DeviceState.Enabled).Select(device => device.Id));
            after = some.Count == 0 ? null : some[^1].Id;
        } while (some.Count == DevicesPerPage);
        return others;
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
