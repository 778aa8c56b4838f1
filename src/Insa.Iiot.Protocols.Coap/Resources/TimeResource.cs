using System.Globalization;
using System.Text;
using Insa.Iiot.Protocols.Coap.Server;

namespace Insa.Iiot.Protocols.Coap.Resources;

/// <summary><c>/time</c>: the server's time, for devices without a clock of their own. Text and JSON as RFC 3339, CBOR as tag 1 (RFC 8949 §3.4.2).</summary>
internal sealed class TimeResource(TimeProvider time) : IOwnResource
{
    public CoapResource Create(ResourceTable resources)
    {
        var resource = new CoapResource("time") { AllowsAnonymous = true };
        resource.Attributes["rt"] = "insa.time";
        resource.Attributes["ct"] = $"{CoapContentFormat.Text} {CoapContentFormat.Json} {CoapContentFormat.Cbor}";
        return resource.On(CoapCode.Get, (context, _) => ValueTask.FromResult(Answer(context)));
    }

    private CoapResponse Answer(CoapContext context)
    {
        var now = time.GetUtcNow();
        var text = now.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        var format = context.Accept ?? CoapContentFormat.Text;
        byte[]? payload = format switch
        {
            CoapContentFormat.Text => Encoding.ASCII.GetBytes(text),
            CoapContentFormat.Json => Encoding.ASCII.GetBytes($$"""{"time":"{{text}}"}"""),
            CoapContentFormat.Cbor => Cbor(now),
            _ => null,
        };
        return payload is null
            ? new CoapResponse(CoapCode.NotAcceptable)
            : new CoapResponse(CoapCode.Content)
            {
                ContentFormat = format,
                Payload = payload,
                MaxAge = TimeSpan.Zero,
            };
    }

    private static byte[] Cbor(DateTimeOffset now)
    {
        var writer = new CborText();
        writer.WriteTag(1);
        writer.WriteInteger(now.ToUnixTimeSeconds());
        return writer.ToArray();
    }
}
