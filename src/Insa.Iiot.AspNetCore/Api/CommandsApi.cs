using System.Globalization;
using System.Net.Mime;
using System.Text;
using System.Text.Unicode;
using Insa.Iiot.AspNetCore.Auditing;
using Insa.Iiot.AspNetCore.Http;
using Insa.Iiot.AspNetCore.Problems;
using Insa.Iiot.Tenancy;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using static Insa.Iiot.AspNetCore.Api.CommandContracts;

namespace Insa.Iiot.AspNetCore.Api;

/// <summary>Commands to the tenant's devices. A host need not have <see cref="IDeviceCommands"/>.</summary>
internal static class CommandsApi
{
    public static void Map(RouteGroupBuilder api)
    {
        var commands = api.MapGroup("/devices/{deviceId}/commands")
            .WithTags("Commands")
            .WithMetadata(new ProblemTrait(ProblemKind.NotAvailable, "The host keeps no commands."));
        commands
            .MapGet("", ListAsync)
            .RequirePermission(Permissions.DevicesRead)
            .WithName("listCommands")
            .WithSummary("The commands of a device, the latest first");
        commands
            .MapPost("", SendAsync)
            .RequirePermission(Permissions.CommandsExecute)
            .TakesIdempotencyKey()
            .Audits("command.send")
            .WithName("sendCommand")
            .WithSummary("Send a command; it is kept until the device has it, at least once and in order");
        commands
            .MapGet("/{commandId}", GetAsync)
            .RequirePermission(Permissions.DevicesRead)
            .WithName("getCommand")
            .WithSummary("A command, how far it is, and its answer");
        commands
            .MapDelete("/{commandId}", CancelAsync)
            .RequirePermission(Permissions.CommandsExecute)
            .Audits("command.cancel")
            .WithName("cancelCommand")
            .WithSummary("Take back a command that is open; the device may have carried it out nevertheless");
    }

    private static async Task<Results<Ok<Page<Command>>, Problem>> ListAsync(
        string deviceId,
        [AsParameters] PageQuery page,
        Caller caller,
        IDeviceRegistry registry,
        [FromServices] IDeviceCommands? commands,
        HttpContext http
    )
    {
        if (commands is null)
            return NotAvailable();
        if (await DevicesApi.FindAsync(deviceId, caller, registry, http).ConfigureAwait(false) is not { } device)
            return Problem.NotFound();
        var list = $"commands of {caller.Tenant}/{device.Id}";
        if (page.Read(list, out var after) is { } problem)
            return problem;
        long? before = after is null ? null : long.Parse(after, CultureInfo.InvariantCulture);
        var found = await commands.ListAsync(caller.Tenant, device.Id, before, page.Count, http.RequestAborted).ConfigureAwait(false);
        var shown = new List<DeviceCommand>();
        var budget = new PageBudget();
        foreach (var command in found)
        {
            shown.Add(command);
            if (!budget.HasRoomAfter(command.Data.Length + (command.Answer?.Data.Length ?? 0)))
                break;
        }

        var isMore = shown.Count < found.Count || found.Count == page.Count;
        return TypedResults.Ok(PageQuery.ToPage(list, shown, isMore, ToAnswer, IdOf));
    }

    private static async Task<Results<Created<Command>, Problem>> SendAsync(
        string deviceId,
        Body<NewCommand> body,
        Caller caller,
        IDeviceRegistry registry,
        [FromServices] IDeviceCommands? commands,
        HttpContext http
    )
    {
        if (commands is null)
            return NotAvailable();
        if (await DevicesApi.FindAsync(deviceId, caller, registry, http).ConfigureAwait(false) is not { } device)
            return Problem.NotFound();
        var (name, data, needsAnswer, lifetimeText) = body.Value;
        if (!Durations.TryRead(lifetimeText, out var lifetime))
            return Problem.Invalid(Durations.Form, "/lifetime");
        AuditTrail.About(http, $"{device.Id} {name}");
        var request = new DeviceCommandRequest
        {
            Name = name,
            Data = data?.Utf8 ?? default,
            NeedsAnswer = needsAnswer,
            Lifetime = lifetime,
        };
        var command = await commands.SendAsync(caller.Tenant, device.Id, request, http.RequestAborted).ConfigureAwait(false);
        AuditTrail.About(http, $"{device.Id} {command.Id} {name}");

        // A device that was removed meanwhile may be registered anew, and must not find it.
        if (await registry.FindAsync(caller.Tenant, device.Id, CancellationToken.None).ConfigureAwait(false) is null)
        {
            await commands.ClearAsync(caller.Tenant, device.Id, CancellationToken.None).ConfigureAwait(false);
            return Problem.NotFound();
        }

        return TypedResults.Created($"/api/v1/devices/{device.Id}/commands/{command.Id}", ToAnswer(command));
    }

    private static async Task<Results<Ok<Command>, Problem>> GetAsync(
        string deviceId,
        string commandId,
        Caller caller,
        [FromServices] IDeviceCommands? commands,
        HttpContext http
    )
    {
        if (commands is null)
            return NotAvailable();
        if (!TryReadIds(deviceId, commandId, out var device, out var id))
            return Problem.NotFound();
        var command = await commands.FindAsync(caller.Tenant, device, id, http.RequestAborted).ConfigureAwait(false);
        return command is null ? Problem.NotFound() : TypedResults.Ok(ToAnswer(command));
    }

    private static async Task<Results<Ok<Command>, Problem>> CancelAsync(
        string deviceId,
        string commandId,
        Caller caller,
        [FromServices] IDeviceCommands? commands,
        HttpContext http
    )
    {
        if (commands is null)
            return NotAvailable();
        if (!TryReadIds(deviceId, commandId, out var device, out var id))
            return Problem.NotFound();
        var command = await commands.CancelAsync(caller.Tenant, device, id, http.RequestAborted).ConfigureAwait(false);
        if (command is null)
            return Problem.NotFound();
        AuditTrail.About(http, $"{device} {command.Id} {command.Name}");
        return command.State == DeviceCommandState.Cancelled
            ? TypedResults.Ok(ToAnswer(command))
            : new Problem(ProblemKind.Conflict, $"It is over: {Names.Of(command.State)}.");
    }

    private static bool TryReadIds(string deviceId, string commandId, out DeviceId device, out long id)
    {
        id = 0;
        return DeviceId.TryParse(deviceId, out device)
            && long.TryParse(commandId, NumberStyles.None, CultureInfo.InvariantCulture, out id)
            && id > 0;
    }

    private static string IdOf(DeviceCommand command) => command.Id.ToString(CultureInfo.InvariantCulture);

    private static Command ToAnswer(DeviceCommand command) =>
        new(
            command.Id,
            command.Name,
            InlineJson.TryRead(command.Data),
            command.NeedsAnswer,
            Names.Of(command.State),
            Times.Utc(command.CreatedAt),
            Times.Utc(command.ExpiresAt),
            command.DeliveredAt is { } delivered ? Times.Utc(delivered) : null,
            command.ClosedAt is { } closed ? Times.Utc(closed) : null,
            command.Answer is { } answer ? ToAnswer(answer) : null
        );

    // What a device does not say is seen by trying: many can say nothing but bytes.
    private static CommandAnswer ToAnswer(DeviceCommandAnswer answer)
    {
        if (answer.Data.IsEmpty)
            return new CommandAnswer(answer.ContentType, null, null, null);
        var mayBeJson = answer.ContentType is not { } type || IsJson(type);
        if (mayBeJson && InlineJson.TryRead(answer.Data) is { } json)
            return new CommandAnswer(answer.ContentType, json, null, null);
        var mayBeText = mayBeJson || answer.ContentType!.StartsWith("text/", StringComparison.OrdinalIgnoreCase);
        return mayBeText && Utf8.IsValid(answer.Data.Span)
            ? new CommandAnswer(answer.ContentType, null, Encoding.UTF8.GetString(answer.Data.Span), null)
            : new CommandAnswer(answer.ContentType, null, null, Convert.ToBase64String(answer.Data.Span));
    }

    private static bool IsJson(string contentType)
    {
        var type = contentType.AsSpan(0, contentType.AsSpan().IndexOf(';') is var end and >= 0 ? end : contentType.Length).Trim();
        return type.Equals(MediaTypeNames.Application.Json, StringComparison.OrdinalIgnoreCase)
            || type.EndsWith("+json", StringComparison.OrdinalIgnoreCase);
    }

    private static Problem NotAvailable() => new(ProblemKind.NotAvailable, "The host keeps no commands.");
}
