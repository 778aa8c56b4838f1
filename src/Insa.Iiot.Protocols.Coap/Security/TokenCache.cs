namespace Insa.Iiot.Protocols.Coap.Security;

/// <summary>Remembers for a while whom tokens stand for, so that a message costs no look at the store. Not thread-safe.</summary>
internal sealed class TokenCache
{
    private const int GoodCapacity = 100_000;
    private const int BadCapacity = 1000;

    private readonly Shelf _good;
    private readonly Shelf _bad;

    /// <param name="lifetime">How long one holds without being checked again, in <see cref="TimeProvider.TimestampFrequency"/>; as long again while it is being checked.</param>
    public TokenCache(long lifetime)
    {
        _good = new Shelf(GoodCapacity, lifetime);
        _bad = new Shelf(BadCapacity, lifetime); // apart, so that nobody's guesses push out a token that is good
    }

    /// <param name="token">The token.</param>
    /// <param name="now">The time.</param>
    /// <param name="session">Whom it stands for.</param>
    /// <param name="isDue">Whether it is to be checked again, although it still holds.</param>
    public TokenStanding Find(ReadOnlySpan<byte> token, long now, out DeviceSession? session, out bool isDue)
    {
        if (_good.TryFind(token, now, out session, out isDue))
            return TokenStanding.Good;
        return _bad.TryFind(token, now, out _, out var isOld) && !isOld ? TokenStanding.Bad : TokenStanding.Unknown;
    }

    public void Set(byte[] token, DeviceSession? session, long now)
    {
        if (session is null)
            _good.Remove(token);
        (session is null ? _bad : _good).Set(token, session, now);
    }

    /// <summary>Tokens by the order in which they were checked; the oldest go first.</summary>
    private sealed class Shelf
    {
        private readonly Dictionary<byte[], (DeviceSession? Session, long CheckedAt)> _entries = new(Utf8BytesComparer.Instance);
        private readonly Dictionary<byte[], (DeviceSession? Session, long CheckedAt)>.AlternateLookup<ReadOnlySpan<byte>> _lookup;
        private readonly Queue<(byte[] Token, long CheckedAt)> _order = new();
        private readonly int _capacity;
        private readonly long _lifetime;

        public Shelf(int capacity, long lifetime)
        {
            (_capacity, _lifetime) = (capacity, lifetime);
            _lookup = _entries.GetAlternateLookup<ReadOnlySpan<byte>>();
        }

        public bool TryFind(ReadOnlySpan<byte> token, long now, out DeviceSession? session, out bool isDue)
        {
            isDue = false;
            session = null;
            if (!_lookup.TryGetValue(token, out var entry) || now - entry.CheckedAt >= 2 * _lifetime)
                return false;
            session = entry.Session;
            isDue = now - entry.CheckedAt >= _lifetime;
            return true;
        }

        public void Set(byte[] token, DeviceSession? session, long now)
        {
            while (_order.TryPeek(out var oldest) && (now - oldest.CheckedAt >= 2 * _lifetime || _order.Count >= _capacity))
            {
                _order.Dequeue();
                if (_entries.TryGetValue(oldest.Token, out var entry) && entry.CheckedAt == oldest.CheckedAt)
                    _entries.Remove(oldest.Token);
            }

            _entries[token] = (session, now);
            _order.Enqueue((token, now));
        }

        public void Remove(byte[] token) => _entries.Remove(token);
    }
}
