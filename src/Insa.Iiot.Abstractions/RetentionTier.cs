namespace Insa.Iiot;

/// <summary>What is kept for how long, from the finest to the coarsest.</summary>
public enum RetentionTier
{
    /// <summary>Every point.</summary>
    Raw,

    /// <summary>One value per minute.</summary>
    Minute,

    /// <summary>One value per hour.</summary>
    Hour,

    /// <summary>One value per day.</summary>
    Day,
}
