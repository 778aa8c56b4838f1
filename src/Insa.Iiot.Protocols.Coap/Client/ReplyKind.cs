namespace Insa.Iiot.Protocols.Coap.Client;

/// <summary>What ends the wait for a reply, other than a response.</summary>
internal enum ReplyKind
{
    /// <summary>Nothing does.</summary>
    Response,

    /// <summary>An acknowledgement does (RFC 7967).</summary>
    Acknowledgement,

    /// <summary>A reset does, as it answers a ping; an acknowledgement shows the server as well.</summary>
    Pong,
}
