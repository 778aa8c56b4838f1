namespace Insa.Iiot.Tenancy;

/// <summary>An invitation could not be delivered. The invitation itself is there, and stays open until it is revoked or expires.</summary>
public sealed class InvitationDeliveryException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="message">What failed and what to do; never the token, a credential, or what a server said: it may repeat either.</param>
    /// <param name="isTransient">Whether the same call may succeed later (unreachable, busy, too slow).</param>
    /// <param name="innerException">What failed below, if it holds no secret.</param>
    public InvitationDeliveryException(string message, bool isTransient, Exception? innerException = null)
        : base(message, innerException) => IsTransient = isTransient;

    /// <summary>Whether the same call may succeed later.</summary>
    public bool IsTransient { get; }
}
