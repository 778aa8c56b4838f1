namespace Insa.Iiot.Protocols.Coap.Oscore;

/// <summary>Gives out sequence numbers, each once, of blocks that a store has set aside before. The next block is fetched while the last is half used. Thread-safe.</summary>
internal sealed class OscoreNumbers(IOscoreSequenceStore store, int blockLength, TimeProvider time, Action<Exception> failed)
{
    /// <summary>The highest that a Partial IV of five bytes holds; after it the key is used up (RFC 8613 §7.2.1).</summary>
    public const long Last = (1L << 40) - 1;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private (long Next, long End) _current;
    private (long Next, long End) _following;

    // By itself, because a block that is used up leaves no trace.
    private long _end;
    private Task? _filling;
    private long? _failedAt;
    private bool _isUsedUp;

    /// <summary>Fetches the first block.</summary>
    /// <exception cref="Exception">What the store throws.</exception>
    public async ValueTask FillAsync(CancellationToken cancellationToken) =>
        Add(await store.ReserveAsync(blockLength, cancellationToken).ConfigureAwait(false));

    /// <summary>Whether there are so many at the moment, at least.</summary>
    public bool Has(int count)
    {
        lock (_lock)
        {
            var isThere = Left(_current) + Left(_following) >= count;
            RefillIfDue();
            return isThere;
        }
    }

    /// <returns><see langword="false"/> if there is none at the moment: nothing must be sent.</returns>
    public bool TryTake(out long number)
    {
        lock (_lock)
        {
            if (_current.Next >= _current.End)
                (_current, _following) = (_following, default);
            number = _current.Next;
            var isThere = _current.Next < _current.End;
            if (isThere)
                _current.Next++;
            RefillIfDue();
            return isThere;
        }
    }

    private static long Left((long Next, long End) block) => Math.Max(block.End - block.Next, 0);

    private void RefillIfDue()
    {
        if (Left(_current) + Left(_following) >= blockLength / 2 || _isUsedUp || _filling is not null)
            return;
        if (_failedAt is not { } at || time.GetElapsedTime(at) >= Pause)
            _filling = Task.Run(RefillAsync);
    }

    private async Task RefillAsync()
    {
        try
        {
            var first = await store.ReserveAsync(blockLength, CancellationToken.None).ConfigureAwait(false);
            lock (_lock)
            {
                Add(first);
                (_failedAt, _filling) = (null, null);
            }
        }
        catch (Exception e)
        {
            // Whatever it was: there are no numbers, and it is tried again.
            failed(e);
            lock (_lock)
                (_failedAt, _filling) = (time.GetTimestamp(), null);
        }
    }

    private void Add(long first)
    {
        lock (_lock)
        {
            var block = (first, Math.Max(Math.Min(first + blockLength, Last + 1), first));

            // A store that goes back would have numbers used again.
            if (first < 0 || first < _end)
                throw new InvalidOperationException("The store has set numbers aside that are not higher than those before.");
            _isUsedUp = first + blockLength > Last;
            _end = block.Item2;
            if (_current.Next >= _current.End)
                _current = block;
            else
                _following = block;
        }
    }
}
