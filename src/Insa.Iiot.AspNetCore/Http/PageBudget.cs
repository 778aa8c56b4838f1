namespace Insa.Iiot.AspNetCore.Http;

/// <summary>How much of a list of large things one answer holds: when it is used up, the page ends before its limit, and names the next.</summary>
internal struct PageBudget
{
    private const long Most = 4 * 1024 * 1024;

    private long _used;

    public readonly bool IsUsedUp => _used >= Most;

    /// <summary>Counts a thing that is on the page, for there is always one.</summary>
    public bool HasRoomAfter(long bytes)
    {
        _used += bytes;
        return !IsUsedUp;
    }
}
