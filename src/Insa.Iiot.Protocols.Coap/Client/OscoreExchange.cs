namespace Insa.Iiot.Protocols.Coap.Client;

/// <summary>The requests with a token, which responses are bound to. The transport's lock guards it.</summary>
internal sealed class OscoreExchange
{
    private long _highest = -1;
    private bool _hasUnnumbered;

    /// <summary>The Partial IV of the latest request.</summary>
    public long PartialIv { get; private set; } = -1;

    /// <summary>That of the one before, such as of a registration that was made anew; -1 if there is none.</summary>
    public long FormerPartialIv { get; private set; } = -1;

    public void Sent(long partialIv)
    {
        (FormerPartialIv, PartialIv) = (PartialIv, partialIv);
        _hasUnnumbered = false;
    }

    /// <summary>Whether a notification is newer than those before (RFC 8613 §7.4.1); only the first may have no number.</summary>
    public bool IsNewer(long? number)
    {
        if (number is not { } numbered)
        {
            var isFirst = !_hasUnnumbered;
            _hasUnnumbered = true;
            return isFirst;
        }

        if (numbered <= _highest)
            return false;
        _highest = numbered;
        return true;
    }
}
