using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Insa.Iiot.AspNetCore.Auditing;
using Insa.Iiot.AspNetCore.Http;
using Insa.Iiot.AspNetCore.Problems;
using Insa.Iiot.Tenancy;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using static Insa.Iiot.AspNetCore.Api.DeviceContracts;

namespace Insa.Iiot.AspNetCore.Api;

/// <summary>The tenant's devices and their credentials.</summary>
internal static class DevicesApi
{
    private const int MaxName = 200;
    private const string PublicKeyLabel = "PUBLIC KEY";

    public static void Map(RouteGroupBuilder api)
    {
        var devices = api.MapGroup("/devices").WithTags("Devices");
        devices
            .MapGet("", ListAsync)
            .RequirePermission(Permissions.DevicesRead)
            .WithName("listDevices")
            .WithSummary("The devices of the tenant");
        devices
            .MapPost("", AddAsync)
            .RequirePermission(Permissions.DevicesWrite)
            .TakesIdempotencyKey()
            .Audits("device.create")
            .WithName("createDevice")
            .WithSummary("Register a device; its secret is shown once");
        devices
            .MapPost("/import", ImportAsync)
            .RequirePermission(Permissions.DevicesAdmin)
            .TakesIdempotencyKey()
            .Audits("device.import")
            .WithName("importDevices")
            .WithSummary("Register many devices, each with a result of its own");
        devices.MapGet("/{deviceId}", GetAsync).RequirePermission(Permissions.DevicesRead).WithName("getDevice").WithSummary("A device");
        devices
            .MapPut("/{deviceId}", UpdateAsync)
            .RequirePermission(Permissions.DevicesWrite)
            .TakesVersion()
            .Audits("device.update")
            .WithName("updateDevice")
            .WithSummary("Change a device");
        devices
            .MapDelete("/{deviceId}", RemoveAsync)
            .RequirePermission(Permissions.DevicesWrite)
            .Audits("device.delete")
            .WithName("deleteDevice")
            .WithSummary("Remove a device, its credentials and its commands; its telemetry stays");

        var credentials = devices.MapGroup("/{deviceId}/credentials");
        credentials
            .MapGet("", ListCredentialsAsync)
            .RequirePermission(Permissions.DevicesRead)
            .WithName("listCredentials")
            .WithSummary("The credentials of a device");
        credentials
            .MapPost("/password", RotatePasswordAsync)
            .RequirePermission(Permissions.DevicesWrite)
            .Audits("credential.rotate")
            .WithName("rotatePassword")
            .WithSummary("Give a device a new secret, in place of any before");
        credentials
            .MapPost("/psk", RotatePskAsync)
            .RequirePermission(Permissions.DevicesWrite)
            .Audits("credential.rotate")
            .WithName("rotatePsk")
            .WithSummary("Give a device a new pre-shared key (RFC 4279), in place of any before");
        credentials
            .MapPost("/certificates", AddCertificateAsync)
            .RequirePermission(Permissions.DevicesWrite)
            .Audits("credential.create")
            .WithName("addCertificate")
            .WithSummary("Let a client certificate stand for a device");
        credentials
            .MapDelete("/{credentialId}", RevokeAsync)
            .RequirePermission(Permissions.DevicesWrite)
            .Audits("credential.delete")
            .WithName("revokeCredential")
            .WithSummary("Take a credential from a device");
    }

    private static async Task<Results<Ok<Page<DeviceContracts.Device>>, Problem>> ListAsync(
        [AsParameters] PageQuery page,
        [FromQuery] string? gatewayId,
        Caller caller,
        IDeviceRegistry registry,
        HttpContext http
    )
    {
        var list = $"devices of {caller.Tenant} by {gatewayId}";
        if (page.Read(list, out var after) is { } problem)
            return problem;
        DeviceId? last = DeviceId.TryParse(after, out var id) ? id : null;
        if (gatewayId is not null && !DeviceId.TryParse(gatewayId, out _))
            return Problem.Invalid("It is no device id.", "gatewayId");
        var found = gatewayId is null
            ? await registry.ListAsync(caller.Tenant, last, page.Count, http.RequestAborted).ConfigureAwait(false)
            : await registry
                .ListByGatewayAsync(caller.Tenant, DeviceId.Parse(gatewayId), last, page.Count, http.RequestAborted)
                .ConfigureAwait(false);
        return TypedResults.Ok(page.ToPage(list, found, ToAnswer, device => device.Id.Value));
    }

    private static async Task<Results<Created<DeviceWithPassword>, Problem>> AddAsync(
        Body<NewDevice> body,
        Caller caller,
        IDeviceRegistry registry,
        HttpContext http
    )
    {
        if (Read(body.Value, out var device) is { } problem)
            return problem;
        if (!await registry.AddAsync(caller.Tenant, device, http.RequestAborted).ConfigureAwait(false))
            return new Problem(ProblemKind.Exists, "The tenant has a device of that id.");
        var secret = await registry.RotateSecretAsync(caller.Tenant, device.Id, http.RequestAborted).ConfigureAwait(false);
        var made = await registry.FindAsync(caller.Tenant, device.Id, http.RequestAborted).ConfigureAwait(false);
        if (secret is null || made is null)
            return new Problem(ProblemKind.Conflict, "The device was removed at once.");
        Versions.Tell(http, made.Version);
        return TypedResults.Created(
            $"/api/v1/devices/{made.Id}",
            new DeviceWithPassword(
                made.Id.Value,
                made.DisplayName,
                made.Gateway?.Value,
                Names.Of(made.State),
                Times.Utc(made.CreatedAt),
                made.Version,
                UsernameOf(made.Id, caller.Tenant),
                secret
            )
        );
    }

    private static async Task<Results<Ok<ImportResult>, Problem>> ImportAsync(
        Body<ImportDevices> body,
        Caller caller,
        IDeviceRegistry registry,
        HttpContext http
    )
    {
        var rows = body.Value.Devices;
        if (rows.Count is 0 or > IDeviceRegistry.MaxAdded)
            return Problem.Invalid($"Import 1 to {IDeviceRegistry.MaxAdded} devices at a time.", "/devices");
        var results = new ImportedDevice[rows.Count];
        var (valid, places) = (new List<Insa.Iiot.Device>(), new List<int>());
        for (var i = 0; i < rows.Count; i++)
        {
            if (Read(rows[i], out var device) is not null)
            {
                results[i] = new ImportedDevice(rows[i].Id, "invalid");
                continue;
            }

            valid.Add(device);
            places.Add(i);
        }

        var added = 0;
        var outcomes = valid.Count == 0 ? [] : await registry.AddManyAsync(caller.Tenant, valid, http.RequestAborted).ConfigureAwait(false);
        for (var i = 0; i < outcomes.Count; i++)
        {
            var id = valid[i].Id;
            if (outcomes[i] != DeviceAddResult.Added)
            {
                results[places[i]] = new ImportedDevice(id.Value, Names.Of(outcomes[i]));
                continue;
            }

            // What is registered is told, whoever still listens.
            var secret = await registry.RotateSecretAsync(caller.Tenant, id, CancellationToken.None).ConfigureAwait(false);
            results[places[i]] = new ImportedDevice(id.Value, Names.Of(DeviceAddResult.Added), UsernameOf(id, caller.Tenant), secret);
            added++;
        }

        return TypedResults.Ok(new ImportResult(added, results));
    }

    private static async Task<Results<Ok<DeviceContracts.Device>, StatusCodeHttpResult, Problem>> GetAsync(
        string deviceId,
        Caller caller,
        IDeviceRegistry registry,
        HttpContext http
    )
    {
        if (await FindAsync(deviceId, caller, registry, http).ConfigureAwait(false) is not { } device)
            return Problem.NotFound();
        return Versions.Answer(http, device.Version, ToAnswer(device));
    }

    private static async Task<Results<Ok<DeviceContracts.Device>, Problem>> UpdateAsync(
        string deviceId,
        Body<DeviceSettings> body,
        Caller caller,
        IDeviceRegistry registry,
        HttpContext http
    )
    {
        if (await FindAsync(deviceId, caller, registry, http).ConfigureAwait(false) is not { } seen)
            return Problem.NotFound();
        if (Versions.Read(http, seen.Version, out var version) is { } stale)
            return stale;
        var (name, gatewayId, stateName) = body.Value;
        if (Read(new NewDevice(deviceId, name, gatewayId), out var device) is { } problem)
            return problem;
        DeviceState state;
        switch (stateName)
        {
            case "enabled":
                state = DeviceState.Enabled;
                break;
            case "disabled":
                state = DeviceState.Disabled;
                break;
            default:
                return Problem.Invalid("A device is enabled or disabled.", "/state");
        }

        var result = await registry
            .UpdateAsync(caller.Tenant, device with { State = state }, version, http.RequestAborted)
            .ConfigureAwait(false);
        switch (result)
        {
            case DeviceUpdateResult.Done:
                var changed = device with { State = state, CreatedAt = seen.CreatedAt, Version = version + 1 };
                Versions.Tell(http, changed.Version);
                return TypedResults.Ok(ToAnswer(changed));
            case DeviceUpdateResult.GatewayNotFound:
                return Problem.NotFound();
            case DeviceUpdateResult.Changed:
                return new Problem(ProblemKind.Changed, "It is of another version by now.");
            default:
                return Problem.NotFound();
        }
    }

    private static async Task<Results<NoContent, Problem>> RemoveAsync(
        string deviceId,
        Caller caller,
        IDeviceRegistry registry,
        [FromServices] IDeviceCommands? commands,
        HttpContext http
    )
    {
        if (!DeviceId.TryParse(deviceId, out var id))
            return Problem.NotFound();

        // Another device that is given the id must not find them: so before, should the host die at it, and behind, for what was sent meanwhile.
        await ClearAsync(http.RequestAborted).ConfigureAwait(false);
        var isRemoved = await registry.RemoveAsync(caller.Tenant, id, http.RequestAborted).ConfigureAwait(false);
        await ClearAsync(CancellationToken.None).ConfigureAwait(false);
        return isRemoved ? TypedResults.NoContent() : Problem.NotFound();

        ValueTask ClearAsync(CancellationToken cancellationToken) =>
            commands is null ? ValueTask.CompletedTask : commands.ClearAsync(caller.Tenant, id, cancellationToken);
    }

    private static async Task<Results<Ok<CredentialList>, Problem>> ListCredentialsAsync(
        string deviceId,
        Caller caller,
        IDeviceRegistry registry,
        HttpContext http
    )
    {
        if (await FindAsync(deviceId, caller, registry, http).ConfigureAwait(false) is not { } device)
            return Problem.NotFound();
        var credentials = await registry.ListCredentialsAsync(caller.Tenant, device.Id, http.RequestAborted).ConfigureAwait(false);
        return TypedResults.Ok(
            new CredentialList([
                .. credentials.Select(credential => new Credential(
                    credential.Id,
                    credential.Kind switch
                    {
                        DeviceCredentialKind.Password => "password",
                        DeviceCredentialKind.Certificate => "certificate",
                        _ => "psk",
                    },
                    Times.Utc(credential.CreatedAt),
                    credential.RotatedAt is { } at ? Times.Utc(at) : null
                )),
            ])
        );
    }

    private static async Task<Results<Ok<Password>, Problem>> RotatePasswordAsync(
        string deviceId,
        Caller caller,
        IDeviceRegistry registry,
        HttpContext http
    )
    {
        if (!DeviceId.TryParse(deviceId, out var id))
            return Problem.NotFound();
        var secret = await registry.RotateSecretAsync(caller.Tenant, id, http.RequestAborted).ConfigureAwait(false);
        return secret is null ? Problem.NotFound() : TypedResults.Ok(new Password(UsernameOf(id, caller.Tenant), secret));
    }

    private static async Task<Results<Ok<Psk>, Problem>> RotatePskAsync(
        string deviceId,
        Caller caller,
        IDevicePskStore psks,
        HttpContext http
    )
    {
        if (!DeviceId.TryParse(deviceId, out var id))
            return Problem.NotFound();
        try
        {
            var psk = await psks.SetPskAsync(caller.Tenant, id, http.RequestAborted).ConfigureAwait(false);
            return psk is null ? Problem.NotFound() : TypedResults.Ok(new Psk(psk.Identity, Convert.ToHexStringLower(psk.Key.Span)));
        }
        catch (InvalidOperationException e)
        {
            // The operator has given no key to seal them with.
            return new Problem(ProblemKind.Conflict, e.Message);
        }
    }

    private static async Task<Results<NoContent, Problem>> AddCertificateAsync(
        string deviceId,
        Body<NewCertificate> body,
        Caller caller,
        IDeviceRegistry registry,
        HttpContext http
    )
    {
        if (await FindAsync(deviceId, caller, registry, http).ConfigureAwait(false) is not { } device)
            return Problem.NotFound();
        if (ReadThumbprint(body.Value.Certificate) is not { } sha256)
            return Problem.Invalid("It is no certificate or public key in PEM, and no SHA-256 in hexadecimal.", "/certificate");
        return await registry.AddCertificateAsync(caller.Tenant, device.Id, sha256, http.RequestAborted).ConfigureAwait(false)
            ? TypedResults.NoContent()
            : new Problem(ProblemKind.Exists, "The certificate stands for another device.");
    }

    private static async Task<Results<NoContent, Problem>> RevokeAsync(
        string deviceId,
        string credentialId,
        Caller caller,
        IDeviceRegistry registry,
        HttpContext http
    ) =>
        DeviceId.TryParse(deviceId, out var id)
        && await registry.RevokeCredentialAsync(caller.Tenant, id, credentialId, http.RequestAborted).ConfigureAwait(false)
            ? TypedResults.NoContent()
            : Problem.NotFound();

    internal static async ValueTask<Insa.Iiot.Device?> FindAsync(
        string deviceId,
        Caller caller,
        IDeviceRegistry registry,
        HttpContext http
    ) =>
        DeviceId.TryParse(deviceId, out var id)
            ? await registry.FindAsync(caller.Tenant, id, http.RequestAborted).ConfigureAwait(false)
            : null;

    private static Problem? Read(NewDevice row, out Insa.Iiot.Device device)
    {
        device = null!;
        if (!DeviceId.TryParse(row.Id, out var id))
            return Problem.Invalid($"An id is 1 to {DeviceId.MaxLength} characters of A-Z a-z 0-9 . _ : -.", "/id");
        if (row.Name?.Length > MaxName)
            return Problem.Invalid($"A name has at most {MaxName} characters.", "/name");
        DeviceId? gateway = null;
        if (row.GatewayId is not null)
        {
            if (!DeviceId.TryParse(row.GatewayId, out var named))
                return Problem.NotFound();
            gateway = named;
        }

        device = new Insa.Iiot.Device
        {
            Id = id,
            DisplayName = row.Name ?? "",
            Gateway = gateway,
        };
        return null;
    }

    private static byte[]? ReadThumbprint(string text)
    {
        if (text.Length == 2 * SHA256.HashSizeInBytes && text.All(char.IsAsciiHexDigit))
            return Convert.FromHexString(text);
        try
        {
            if (PemEncoding.TryFind(text, out var fields) && text.AsSpan()[fields.Label] is PublicKeyLabel)
                return SHA256.HashData(
                    PublicKey
                        .CreateFromSubjectPublicKeyInfo(Convert.FromBase64String(text[fields.Base64Data]), out _)
                        .ExportSubjectPublicKeyInfo()
                );
            using var certificate = X509Certificate2.CreateFromPem(text);
            return SHA256.HashData(certificate.RawDataMemory.Span);
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    private static string UsernameOf(DeviceId device, TenantId tenant) => $"{device}@{tenant}";

    private static DeviceContracts.Device ToAnswer(Insa.Iiot.Device device) =>
        new(
            device.Id.Value,
            device.DisplayName,
            device.Gateway?.Value,
            Names.Of(device.State),
            Times.Utc(device.CreatedAt),
            device.Version
        );
}
