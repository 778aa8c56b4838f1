namespace Insa.Iiot;

/// <summary>What came of a user's action.</summary>
public enum AlarmActionResult
{
    /// <summary>It is done, and the alarm's new state is told.</summary>
    Done,

    /// <summary>The tenant has no such alarm.</summary>
    NotFound,

    /// <summary>The alarm was acknowledged before.</summary>
    AlreadyAcknowledged,

    /// <summary>The alarm became active again after the state that the user has seen: that one cannot be acknowledged any more.</summary>
    Superseded,
}
