using System.Buffers;
using System.Globalization;
using System.Text;
using Insa.Iiot.Protocols.Coap.Server;

namespace Insa.Iiot.Protocols.Coap.Resources;

/// <summary>
/// <c>/commands</c>: what a device, or one that it is the gateway of, is to do. GET shows all that is open, and an observer is told of what waits; what was
/// told in one message, and confirmed, is delivered. POST answers a command, and so confirms one that came in blocks.
/// </summary>
internal sealed class CommandsResource(IDeviceCommands? commands) : IOwnResource
{
    private const int MaxListBytes = 64 * 1024;
    private const int MaxNotificationBytes = 1024; // one block

    public CoapResource? Create(ResourceTable resources)
    {
        if (commands is null)
            return null;
        var resource = new CoapResource("commands")
        {
            IsObservable = true,
            ConfirmsNotifications = true,
            Subject = context => TryResolve(context, out var device) ? device : null,
        };
        resource.Attributes["rt"] = "insa.commands";
        resource.Attributes["ct"] = $"{CoapContentFormat.Json} {CoapContentFormat.Cbor}";
        commands.Changed += (tenant, device) => resource.NotifyChanged(tenant, device);
        return resource
            .On(CoapCode.Get, (context, cancellationToken) => ReadAsync(commands, resource, context, cancellationToken))
            .On(CoapCode.Post, (context, cancellationToken) => AnswerAsync(commands, context, cancellationToken));
    }

    private static async ValueTask<CoapResponse> ReadAsync(
        IDeviceCommands commands,
        CoapResource resource,
        CoapContext context,
        CancellationToken cancellationToken
    )
    {
        var format = context.Accept ?? CoapContentFormat.Json;
        if (format is not (CoapContentFormat.Json or CoapContentFormat.Cbor))
            return new CoapResponse(CoapCode.NotAcceptable);
        if (!TryResolve(context, out var device))
            return new CoapResponse(CoapCode.Forbidden);
        var tenant = context.Session!.Tenant;
        var open = await commands.ReadOpenAsync(tenant, device, cancellationToken).ConfigureAwait(false);
        var told = context.IsNotification ? [.. open.Where(one => one.State == DeviceCommandState.Waiting)] : open;
        var (payload, count) = CommandList.Write(told, format, context.IsNotification ? MaxNotificationBytes : MaxListBytes);
        var waiting = told.Take(count).Where(one => one.State == DeviceCommandState.Waiting).Select(one => one.Id).ToArray();
        return new CoapResponse(CoapCode.Content)
        {
            ContentFormat = format,
            Payload = payload,
            MaxAge = context.IsNotification ? null : TimeSpan.Zero,
            IsNoNews = count == 0,
            Delivered = waiting.Length == 0 ? null : NoteAsync,
        };

        async ValueTask NoteAsync(CancellationToken stopping)
        {
            await commands.ConfirmAsync(tenant, device, waiting, stopping).ConfigureAwait(false);
            if (count < told.Count)
                resource.NotifyChanged(tenant, device);
        }
    }

    private static async ValueTask<CoapResponse> AnswerAsync(
        IDeviceCommands commands,
        CoapContext context,
        CancellationToken cancellationToken
    )
    {
        if (!TryResolve(context, out var device))
            return new CoapResponse(CoapCode.Forbidden);
        if (!long.TryParse(context.FindQuery("id"), NumberStyles.None, CultureInfo.InvariantCulture, out var id))
            return Refuse(CoapCode.BadRequest, "id says which command: ?id=17");
        var status = context.FindQuery("status") ?? "succeeded";
        if (status is not ("succeeded" or "failed"))
            return Refuse(CoapCode.BadRequest, "status is succeeded or failed");
        if (!TryName(context.ContentFormat, out var contentType))
            return new CoapResponse(CoapCode.UnsupportedContentFormat);
        if (context.Payload.Length > DeviceCommandAnswer.MaxDataBytes)
            return new CoapResponse(CoapCode.RequestEntityTooLarge);
        var answer = new DeviceCommandAnswer
        {
            IsSuccess = status == "succeeded",
            ContentType = contentType,
            Data = context.Payload,
        };
        var command = await commands.AnswerAsync(context.Session!.Tenant, device, id, answer, cancellationToken).ConfigureAwait(false);
        return command?.State switch
        {
            null => new CoapResponse(CoapCode.NotFound),
            DeviceCommandState.Expired => Refuse(CoapCode.Conflict, "the command has expired"),
            DeviceCommandState.Cancelled => Refuse(CoapCode.Conflict, "the command was cancelled"),
            _ => new CoapResponse(CoapCode.Changed),
        };
    }

    private static bool TryResolve(CoapContext context, out DeviceId device)
    {
        // An id is ASCII and not long; a longer text is no device's.
        Span<byte> name = stackalloc byte[DeviceId.MaxLength];
        var asked = context.FindQuery("device") ?? "";
        device = default;
        return Encoding.UTF8.TryGetBytes(asked, name, out var length) && context.Session!.TryResolve(name[..length], out device);
    }

    private static CoapResponse Refuse(CoapCode code, string diagnostic) => new(code) { Payload = Encoding.UTF8.GetBytes(diagnostic) };

    // What a device says of its body is kept as a media type, as it is for the other protocols.
    private static bool TryName(int? format, out string? contentType)
    {
        contentType = format switch
        {
            null => null,
            CoapContentFormat.Text => "text/plain; charset=utf-8",
            CoapContentFormat.OctetStream => "application/octet-stream",
            CoapContentFormat.Json => "application/json",
            CoapContentFormat.Cbor => "application/cbor",
            CoapContentFormat.SenmlJson => "application/senml+json",
            CoapContentFormat.SenmlCbor => "application/senml+cbor",
            _ => "",
        };
        return contentType != "";
    }
}
