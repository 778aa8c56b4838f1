namespace Insa.Iiot;

/// <summary>A tenant has as many of something as it may have: see <see cref="ControlChange.Bound"/>.</summary>
public sealed class LimitReachedException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="counter">What there would be too many of, such as <c>devices</c>.</param>
    public LimitReachedException(string counter)
        : base($"The tenant has as many {counter} as it may have.") => Counter = counter;

    /// <summary>What there would be too many of.</summary>
    public string Counter { get; }
}
