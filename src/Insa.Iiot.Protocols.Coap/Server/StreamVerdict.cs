namespace Insa.Iiot.Protocols.Coap.Server;

/// <summary>What became of a message of a connection.</summary>
internal enum StreamVerdict
{
    /// <summary>It was taken; the next may follow.</summary>
    Taken,

    /// <summary>Its credential is being checked: it is to come again when that is done, see <see cref="Transport.IConnectionSender.Checked"/>.</summary>
    Waits,

    /// <summary>Its tenant has no room at the moment: it is to come again when there is.</summary>
    NoRoom,

    /// <summary>It is no well-formed message.</summary>
    Malformed,
}
