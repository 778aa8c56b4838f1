namespace Insa.Iiot.Tenancy;

/// <summary>Something was refused by a rule of tenancy, not by a failure: asking again in the same way gives the same answer.</summary>
public sealed class TenancyException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="error">Why.</param>
    /// <param name="message">What was refused and what to do; never a secret.</param>
    public TenancyException(TenancyError error, string message)
        : base(message) => Error = error;

    /// <summary>Why it was refused.</summary>
    public TenancyError Error { get; }

    internal static TenancyException Changed() => new(TenancyError.Changed, "It was changed meanwhile: read it again, and decide again.");
}
