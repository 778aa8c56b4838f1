namespace Insa.Iiot;

/// <summary>How a commit ended.</summary>
public enum ControlOutcome
{
    /// <summary>All changes were made.</summary>
    Done,

    /// <summary>Nothing was changed: an id or a key is taken.</summary>
    Exists,

    /// <summary>Nothing was changed: a record has another version, or is not there.</summary>
    Changed,

    /// <summary>Nothing was changed: a counter would have passed its upper bound.</summary>
    Full,

    /// <summary>Nothing was changed: a counter would have fallen below its lower bound.</summary>
    Empty,
}
