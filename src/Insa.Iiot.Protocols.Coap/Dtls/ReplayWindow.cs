namespace Insa.Iiot.Protocols.Coap.Dtls;

/// <summary>Which of the newest 64 sequence numbers have come (RFC 6347 §4.1.2.6).</summary>
internal struct ReplayWindow
{
    private const int Width = 64;

    private ulong _newest;
    private ulong _seen;

    /// <returns>Whether it came before, or is too old to know.</returns>
    public readonly bool IsReplay(ulong sequence)
    {
        if (_seen == 0 || sequence > _newest)
            return false;
        var age = _newest - sequence;
        return age >= Width || (_seen & (1UL << (int)age)) != 0;
    }

    /// <summary>Takes a number whose record has proved genuine.</summary>
    /// <returns>Whether it is the newest.</returns>
    public bool Accept(ulong sequence)
    {
        if (_seen != 0 && sequence <= _newest)
        {
            _seen |= 1UL << (int)(_newest - sequence);
            return false;
        }

        var step = sequence - _newest;
        _seen = step >= Width ? 1 : (_seen << (int)step) | 1;
        _newest = sequence;
        return true;
    }
}
