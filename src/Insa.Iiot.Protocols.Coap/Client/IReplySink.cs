namespace Insa.Iiot.Protocols.Coap.Client;

/// <summary>Hears what becomes of a message. Called within the message layer's lock: it must not block or call back.</summary>
internal interface IReplySink
{
    /// <summary>An empty acknowledgement came, or the message was sent and none will come.</summary>
    void Accept();

    /// <summary>A response came.</summary>
    /// <param name="response">The response.</param>
    /// <param name="isPiggybacked">Whether it came with the acknowledgement, and so surely answers the latest message.</param>
    void Reply(ReceivedResponse response, bool isPiggybacked);

    /// <summary>A reset came.</summary>
    void Reject();

    /// <summary>It failed.</summary>
    void Fail(Exception error);
}
