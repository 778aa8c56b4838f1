using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Oscore;

/// <summary>A request with the OSCORE option, where it was received.</summary>
internal readonly ref struct ProtectedRequest(CoapHeader header, CoapMessage message, OscoreOption option)
{
    public CoapHeader Header { get; } = header;

    public CoapMessage Message { get; } = message;

    public OscoreOption Option { get; } = option;
}
