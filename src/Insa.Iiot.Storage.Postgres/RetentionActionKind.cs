namespace Insa.Iiot.Storage.Postgres;

/// <summary>What retention does with what is due.</summary>
public enum RetentionActionKind
{
    /// <summary>A partition is dropped.</summary>
    DropPartition,

    /// <summary>Rows of one tenant are deleted.</summary>
    DeleteRows,

    /// <summary>It is kept although it is due: see <see cref="RetentionAction.Reason"/>.</summary>
    Keep,
}
