using Insa.Iiot.Protocols.Coap.Server;

namespace Insa.Iiot.Protocols.Coap.Resources;

/// <summary><c>/.well-known/core</c>: the links of all resources (RFC 6690 §4).</summary>
internal sealed class WellKnownCore : IOwnResource
{
    private const string Path = ".well-known/core";
    private static readonly (string, IEnumerable<KeyValuePair<string, string>>) Telemetry = (
        "telemetry",
        [
            new("ct", $"{CoapContentFormat.Json} {CoapContentFormat.Cbor} {CoapContentFormat.SenmlJson} {CoapContentFormat.SenmlCbor}"),
            new("rt", "insa.telemetry"),
        ]
    );

    public CoapResource Create(ResourceTable resources) =>
        new CoapResource(Path) { AllowsAnonymous = true }.On(
            CoapCode.Get,
            (context, _) => ValueTask.FromResult(Answer(resources, context))
        );

    private static CoapResponse Answer(ResourceTable resources, CoapContext context)
    {
        if (context.Accept is not (null or CoapContentFormat.LinkFormat))
            return new CoapResponse(CoapCode.NotAcceptable);
        var links = resources
            .All.Where(resource => resource.Path != Path)
            .Select(resource => (resource.Path, AttributesOf(resource)))
            .Append(Telemetry)
            .OrderBy(link => link.Item1, StringComparer.Ordinal);
        return new CoapResponse(CoapCode.Content)
        {
            ContentFormat = CoapContentFormat.LinkFormat,
            Payload = LinkFormat.Write(links, context.Queries),
        };
    }

    private static IEnumerable<KeyValuePair<string, string>> AttributesOf(CoapResource resource) =>
        resource.IsObservable && !resource.Attributes.ContainsKey("obs")
            ? resource.Attributes.Append(new KeyValuePair<string, string>("obs", ""))
            : resource.Attributes;
}
