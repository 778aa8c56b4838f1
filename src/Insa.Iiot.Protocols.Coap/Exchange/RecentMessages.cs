namespace Insa.Iiot.Protocols.Coap.Exchange;

/// <summary>
/// Tells a peer's messages from their duplicates (RFC 7252 §4.5): the last ones that were not idempotent, at most <see cref="MaxLength"/>, each
/// with what was answered. A duplicate has the token of the message, so the answer's code is all that has to be kept of it.
/// </summary>
/// <param name="isKept">Whether any are kept: a connection's have no duplicates.</param>
internal struct RecentMessages(bool isKept)
{
    public const int MaxLength = 64;

    /// <summary>EXCHANGE_LIFETIME, 247 s (RFC 7252 §4.8.2), after which a message id may be used anew.</summary>
    public const int LifetimeUnits = 247 / UnitSeconds;

    /// <summary>The grain of the time that is kept.</summary>
    public const int UnitSeconds = 4;

    private const int FirstLength = 4;

    private Entry[] _entries = []; // its length is a power of two, or 0
    private int _next;
    private int _lastNoted;

    /// <summary>Finds a message.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="now">The time in units.</param>
    /// <param name="answer">What was answered.</param>
    /// <returns><see langword="false"/> if it is new.</returns>
    public bool TryFind(ushort id, int now, out MessageAnswer answer)
    {
        answer = default;
        if (now - _lastNoted > LifetimeUnits)
            return false;
        var lastAge = 0;
        for (var i = 1; i <= _entries.Length; i++)
        {
            ref var entry = ref _entries[(_next - i + _entries.Length) & (_entries.Length - 1)];
            var age = (byte)(now - entry.Time);

            // From the newest to the oldest, age only grows, and never by more than its limit (see TryAdd): where it is past that, the rest is too old.
            if (!entry.IsUsed || age > LifetimeUnits || age < lastAge)
                return false;
            if (entry.Id == id)
            {
                answer = entry.Answer;
                return true;
            }

            lastAge = age;
        }

        return false;
    }

    /// <summary>Notes a new message as being worked on.</summary>
    /// <returns><see langword="false"/> if the peer has so many at work that the oldest of them would be forgotten.</returns>
    public bool TryAdd(ushort id, int now)
    {
        if (!isKept)
            return true;
        Trim(now);
        if (_entries.Length == 0)
            _entries = new Entry[FirstLength];
        _lastNoted = now;
        ref var entry = ref _entries[_next];
        if (entry.IsUsed && (byte)(now - entry.Time) <= LifetimeUnits && _entries.Length < MaxLength)
        {
            Grow();
            entry = ref _entries[_next];
        }
        else if (entry.IsUsed && entry.Answer.IsPending && (byte)(now - entry.Time) <= LifetimeUnits)
        {
            return false;
        }

        entry = new Entry(id, (byte)now, MessageAnswer.Pending);
        _next = (_next + 1) & (_entries.Length - 1);
        return true;
    }

    /// <summary>Notes what was answered, if the message is still known.</summary>
    public void Set(ushort id, MessageAnswer answer)
    {
        for (var i = 1; i <= _entries.Length; i++)
        {
            ref var entry = ref _entries[(_next - i + _entries.Length) & (_entries.Length - 1)];
            if (!entry.IsUsed)
                return;
            if (entry.Id != id)
                continue;
            entry = entry with { Answer = answer };
            return;
        }
    }

    /// <summary>Forgets a message, so that it is new when it comes again.</summary>
    public void Forget(ushort id) => Set(id, MessageAnswer.Forgotten);

    /// <summary>Forgets all after a gap as long as a message lives: they are too old, and their times would look young again by and by.</summary>
    public void Trim(int now)
    {
        if (now - _lastNoted > LifetimeUnits)
            (_entries, _next) = ([], 0);
    }

    private void Grow()
    {
        var grown = new Entry[_entries.Length * 2];
        for (var i = 0; i < _entries.Length; i++)
            grown[i] = _entries[(_next + i) & (_entries.Length - 1)];
        _next = _entries.Length;
        _entries = grown;
    }

    private readonly record struct Entry(ushort Id, byte Time, MessageAnswer Answer)
    {
        public bool IsUsed => Answer != default;
    }
}
