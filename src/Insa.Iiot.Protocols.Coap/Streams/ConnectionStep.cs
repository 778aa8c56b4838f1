namespace Insa.Iiot.Protocols.Coap.Streams;

/// <summary>What a connection does before it reads on.</summary>
internal enum ConnectionStep
{
    /// <summary>Nothing: all whole messages were handled.</summary>
    Read,

    /// <summary>It lets others have the endpoint; more whole messages are there.</summary>
    Yield,

    /// <summary>It waits until less is at work.</summary>
    WaitForRoom,

    /// <summary>It waits until all is answered, and then answers the ping that asks for it.</summary>
    WaitForCustody,

    /// <summary>It waits until a credential is checked; the message stays in the buffer.</summary>
    WaitForCredential,

    /// <summary>It waits until the tenant has room; the message stays in the buffer.</summary>
    WaitForCapacity,

    /// <summary>It ends when all is answered.</summary>
    Finish,

    /// <summary>It ends at once.</summary>
    Abort,
}
