namespace Insa.Iiot;

/// <summary>A store could not do what was asked of it.</summary>
public sealed class TelemetryStoreException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="message">What failed and what to do; never a payload or a credential.</param>
    /// <param name="isTransient">Whether the same call may succeed later (locked, full, unreachable).</param>
    /// <param name="innerException">The store's own exception.</param>
    public TelemetryStoreException(string message, bool isTransient, Exception? innerException = null)
        : base(message, innerException) => IsTransient = isTransient;

    /// <summary>Whether the same call may succeed later.</summary>
    public bool IsTransient { get; }
}
