using System.Text.Json;
using Insa.Iiot.Protocols.Coap.Server;

namespace Insa.Iiot.Protocols.Coap.Resources;

/// <summary><c>/devices</c>: the device that asks, and those it is the gateway of.</summary>
internal sealed class DevicesResource(IDeviceRegistry? registry) : IOwnResource
{
    private const int MaxDevices = 10_000;
    private const int PageSize = 1000;

    public CoapResource Create(ResourceTable resources)
    {
        var resource = new CoapResource("devices");
        resource.Attributes["rt"] = "insa.devices";
        resource.Attributes["ct"] = $"{CoapContentFormat.LinkFormat} {CoapContentFormat.Json} {CoapContentFormat.Cbor}";
        return resource.On(CoapCode.Get, AnswerAsync);
    }

    private async ValueTask<CoapResponse> AnswerAsync(CoapContext context, CancellationToken cancellationToken)
    {
        var format = context.Accept ?? CoapContentFormat.LinkFormat;
        if (format is not (CoapContentFormat.LinkFormat or CoapContentFormat.Json or CoapContentFormat.Cbor))
            return new CoapResponse(CoapCode.NotAcceptable);
        var devices = await ListAsync(context.Session!, cancellationToken).ConfigureAwait(false);
        return new CoapResponse(CoapCode.Content)
        {
            ContentFormat = format,
            Payload = format switch
            {
                CoapContentFormat.Json => Json(devices),
                CoapContentFormat.Cbor => Cbor(devices),
                _ => LinkFormat.Write(devices.Select(device => ("telemetry/" + device.Id.Value, AttributesOf(device))), context.Queries),
            },
        };
    }

    private async ValueTask<List<Device>> ListAsync(DeviceSession session, CancellationToken cancellationToken)
    {
        var devices = new List<Device>();
        var own = registry is null
            ? null
            : await registry.FindAsync(session.Tenant, session.Device, cancellationToken).ConfigureAwait(false);
        devices.Add(own ?? new Device { Id = session.Device });
        if (registry is null || !session.IsGateway)
            return devices;

        DeviceId? after = null;
        while (devices.Count < MaxDevices)
        {
            var page = await registry
                .ListByGatewayAsync(session.Tenant, session.Device, after, PageSize, cancellationToken)
                .ConfigureAwait(false);
            devices.AddRange(page);
            if (page.Count < PageSize)
                break;
            after = page[^1].Id;
        }

        return devices;
    }

    private static IEnumerable<KeyValuePair<string, string>> AttributesOf(Device device)
    {
        yield return new("rt", "insa.telemetry");
        if (device.DisplayName.Length > 0)
            yield return new("title", device.DisplayName);
    }

    private static byte[] Json(List<Device> devices)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartArray();
            foreach (var device in devices)
            {
                writer.WriteStartObject();
                writer.WriteString("id"u8, device.Id.Value);
                writer.WriteString("name"u8, device.DisplayName);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        return stream.ToArray();
    }

    private static byte[] Cbor(List<Device> devices)
    {
        var writer = new CborText();
        writer.WriteArray(devices.Count);
        foreach (var device in devices)
        {
            writer.WriteMap(2);
            writer.WriteText("id");
            writer.WriteText(device.Id.Value);
            writer.WriteText("name");
            writer.WriteText(device.DisplayName);
        }

        return writer.ToArray();
    }
}
