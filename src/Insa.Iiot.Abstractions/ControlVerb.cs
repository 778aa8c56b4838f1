namespace Insa.Iiot;

/// <summary>What a <see cref="ControlChange"/> does.</summary>
public enum ControlVerb
{
    /// <summary>Inserts a record.</summary>
    Insert,

    /// <summary>Replaces a record of a known version.</summary>
    Replace,

    /// <summary>Deletes a record of a known version.</summary>
    Delete,

    /// <summary>Changes nothing, but fails unless the record is of a known version.</summary>
    Expect,

    /// <summary>Adds to a tenant's counter, within its bounds.</summary>
    Count,

    /// <summary>Sets the bounds of a tenant's counter.</summary>
    Bound,
}
