namespace Insa.Iiot.Protocols.Coap;

/// <summary>An exchange with a server failed. A response of the server is never an exception, whatever its code.</summary>
public sealed class CoapException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="error">Why it failed.</param>
    /// <param name="message">What was expected and what came; never a payload or a credential.</param>
    /// <param name="innerException">What caused it.</param>
    public CoapException(CoapError error, string message, Exception? innerException = null)
        : base(message, innerException) => Error = error;

    /// <summary>Why it failed.</summary>
    public CoapError Error { get; }

    /// <summary>Whether the same request may succeed later. A request that is not idempotent may have been carried out all the same.</summary>
    public bool IsTransient =>
        Error
            is CoapError.Unreachable
                or CoapError.NoAcknowledgement
                or CoapError.Timeout
                or CoapError.BodyChanged
                or CoapError.Busy
                or CoapError.ConnectionClosed;
}
