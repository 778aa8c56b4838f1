namespace Insa.Iiot.Tenancy.Audit;

/// <summary>What a log's next entries are added to. Replaced in the commit that inserts them.</summary>
/// <param name="Size">How many entries there are.</param>
/// <param name="Peaks">The roots of its tree's complete subtrees, from left to right.</param>
/// <param name="Checkpoint">The size of the last checkpoint; -1 if there is none.</param>
internal sealed record AuditHeadRecord(long Size, List<byte[]> Peaks, long Checkpoint)
{
    public static AuditHeadRecord Empty { get; } = new(0, [], -1);
}
