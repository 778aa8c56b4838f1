namespace Insa.Iiot.Protocols.Coap.Oscore;

/// <summary>Why a protected message was turned away, as a metric's tag says it.</summary>
internal static class OscoreRefusal
{
    /// <summary>It is not protected, on a listener that takes nothing else.</summary>
    public const string Unprotected = "oscore_unprotected";

    /// <summary>Its OSCORE option is malformed, or lacks what a request has.</summary>
    public const string BadOption = "oscore_option";

    /// <summary>A wrong key or an unknown identity: not told apart here either.</summary>
    public const string WrongKey = "oscore_wrong_key";

    /// <summary>It came before.</summary>
    public const string Replayed = "oscore_replay";

    /// <summary>Its device has to show first that it is of now.</summary>
    public const string Unproved = "oscore_unproved";

    /// <summary>More come at once than are looked at.</summary>
    public const string Busy = "oscore_busy";

    /// <summary>All contexts are in use.</summary>
    public const string ContextsFull = "oscore_contexts_full";

    /// <summary>The key is right, but of no device.</summary>
    public const string NotAuthenticated = "oscore_not_authenticated";

    /// <summary>The store of credentials, or of sequence numbers, cannot be asked.</summary>
    public const string StoreUnavailable = "oscore_store_unavailable";
}
