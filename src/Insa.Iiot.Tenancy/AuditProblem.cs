namespace Insa.Iiot.Tenancy;

/// <summary>What is wrong with an export of an audit log.</summary>
public enum AuditProblem
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>A line is not one that an export has, or not where it belongs.</summary>
    Malformed,

    /// <summary>An entry is missing, doubled or out of its order.</summary>
    Sequence,

    /// <summary>An entry is not what was logged.</summary>
    Entry,

    /// <summary>A key is not what it says, or nothing trusted vouches for it.</summary>
    Key,

    /// <summary>A checkpoint is of another log, out of its order, or not signed by a trusted key.</summary>
    Checkpoint,

    /// <summary>Entries are not those that a checkpoint was signed for.</summary>
    Root,

    /// <summary>Entries at the end are missing, or no checkpoint was signed for them.</summary>
    Truncated,

    /// <summary>The log is not the one that a kept checkpoint was signed for: it was forked, or is older.</summary>
    Kept,
}
