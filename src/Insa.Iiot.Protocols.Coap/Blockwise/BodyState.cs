namespace Insa.Iiot.Protocols.Coap.Blockwise;

/// <summary>What became of a part of a request's body.</summary>
internal enum BodyState
{
    /// <summary>It was taken, or was there already; more is to come: 2.31.</summary>
    Continue,

    /// <summary>The body is whole.</summary>
    Complete,

    /// <summary>It is not the next part: 4.08.</summary>
    Incomplete,

    /// <summary>The body is larger than may be: 4.13.</summary>
    TooLarge,

    /// <summary>A part that others follow is not of its full size: 4.00.</summary>
    Malformed,

    /// <summary>There is no room for another body now: 5.03.</summary>
    NoRoom,
}
