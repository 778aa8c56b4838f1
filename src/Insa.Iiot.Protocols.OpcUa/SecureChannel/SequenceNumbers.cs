namespace Insa.Iiot.Protocols.OpcUa.SecureChannel;

/// <summary>The numbers of a channel's chunks in one direction (Part 6 §6.7.2.4): one more for each, also across renewals, and back to the start near the end.</summary>
internal struct SequenceNumbers
{
    /// <summary>Above this, numbers may start again.</summary>
    public const uint LastBeforeWrap = uint.MaxValue - 1024;

    /// <summary>Below this they do.</summary>
    public const uint FirstAfterWrap = 1024;

    private uint _last;
    private bool _hasLast;

    public uint Last => _last;

    /// <summary>The next number of ours. The first is 1: some peers take no greater one.</summary>
    public uint Next() => _last = _last > LastBeforeWrap ? 1 : _last + 1;

    /// <summary>Takes back numbers of chunks that have not left.</summary>
    public void Rewind(uint last) => _last = last;

    /// <summary>Takes a number of the peer's; its first may be any.</summary>
    public bool TryTake(uint number)
    {
        var follows = !_hasLast || number == unchecked(_last + 1) || _last > LastBeforeWrap && number < FirstAfterWrap;
        if (follows)
            (_last, _hasLast) = (number, true);
        return follows;
    }
}
