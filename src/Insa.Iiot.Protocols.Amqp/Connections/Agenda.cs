using System.Threading.Channels;

namespace Insa.Iiot.Protocols.Amqp.Connections;

/// <summary>
/// What is to be looked at, each by one worker at a time: now, or again later. Bounded: what there is no room for is left to the next walk over all there is.
/// Thread-safe.
/// </summary>
internal sealed class Agenda<T>
    where T : notnull
{
    private readonly int _capacity;
    private readonly TimeProvider _time;
    private readonly Lock _sync = new();
    private readonly Dictionary<T, AgendaEntry> _entries = [];
    private readonly Channel<T> _due;
    private bool _isIncomplete;

    public Agenda(int capacity, TimeProvider time)
    {
        (_capacity, _time) = (capacity, time);

        // Each is in it once at most, so that there is always room.
        _due = Channel.CreateBounded<T>(capacity);
    }

    /// <summary>How many are due.</summary>
    public int DueCount => _due.Reader.Count;

    /// <summary>Whether any were left out since this was asked last.</summary>
    public bool TakeIncomplete()
    {
        lock (_sync)
        {
            var was = _isIncomplete;
            _isIncomplete = false;
            return was;
        }
    }

    /// <summary>There may be something to do for one.</summary>
    /// <param name="one">Which.</param>
    /// <param name="isUrgent">Whether to look at it now even if that was to be later.</param>
    public void Add(T one, bool isUrgent = true)
    {
        lock (_sync)
        {
            if (!_entries.TryGetValue(one, out var entry))
            {
                if (_entries.Count >= _capacity)
                    MakeRoom();
                if (_entries.Count >= _capacity)
                    return;
                entry = new AgendaEntry();
                _entries.Add(one, entry);
                MakeDue(one, entry);
            }
            else if (entry.IsWorking)
            {
                entry.IsNews = true;
            }
            else if (entry.LaterAt is not null && isUrgent)
            {
                MakeDue(one, entry);
            }
        }
    }

    /// <summary>Takes one that is due.</summary>
    public async ValueTask<T> TakeAsync(CancellationToken cancellationToken)
    {
        var one = await _due.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        lock (_sync)
            _entries[one].IsWorking = true;
        return one;
    }

    /// <summary>One was looked at.</summary>
    /// <param name="one">Which.</param>
    /// <param name="again">When to look at it again; <see langword="null"/> for when there is news.</param>
    public void Done(T one, TimeSpan? again)
    {
        lock (_sync)
        {
            var entry = _entries[one];
            entry.IsWorking = false;
            if (again is { } delay)
                entry.LaterAt = _time.GetUtcNow() + delay;
            else if (entry.IsNews)
                MakeDue(one, entry);
            else
                _entries.Remove(one);
        }
    }

    /// <summary>Makes due what is to be looked at again by now.</summary>
    public void Promote()
    {
        lock (_sync)
        {
            var now = _time.GetUtcNow();
            foreach (var (one, entry) in _entries)
            {
                if (entry.LaterAt <= now)
                    MakeDue(one, entry);
            }
        }
    }

    // News comes before what was tried in vain.
    private void MakeRoom()
    {
        _isIncomplete = true;
        foreach (var (one, _) in _entries.Where(entry => entry.Value.LaterAt is not null).ToList())
            _entries.Remove(one);
    }

    private void MakeDue(T one, AgendaEntry entry)
    {
        (entry.LaterAt, entry.IsNews) = (null, false);
        _due.Writer.TryWrite(one);
    }
}
