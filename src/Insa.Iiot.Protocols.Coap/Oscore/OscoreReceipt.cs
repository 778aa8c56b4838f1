namespace Insa.Iiot.Protocols.Coap.Oscore;

/// <summary>What a protected request was to its context.</summary>
internal enum OscoreReceipt
{
    /// <summary>Nothing: too many that are forged come at the moment, or the context has ended.</summary>
    Ignored,

    /// <summary>Not the device's: its tag is wrong.</summary>
    Forged,

    /// <summary>It came before, or is too old to know.</summary>
    Replayed,

    /// <summary>One that came before is repeated, as it was: its answer is given again, if there is one.</summary>
    Repeated,

    /// <summary>The device's, but whether it is of now is not known: it is answered with an Echo to give back.</summary>
    Unproved,

    /// <summary>The device's, and new.</summary>
    Taken,
}
