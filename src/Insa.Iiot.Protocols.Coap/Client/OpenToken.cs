namespace Insa.Iiot.Protocols.Coap.Client;

/// <summary>A token that responses are awaited for.</summary>
internal sealed class OpenToken(IReplySink sink)
{
    public IReplySink Sink => sink;

    /// <summary>The latest message with it.</summary>
    public Transmission? Latest { get; set; }
}
