namespace Insa.Iiot.Protocols.OpcUa.Server.Sessions;

/// <summary>Counts wrong sign-ins by name and place, and lets nobody try for a while who was wrong too often. Thread-safe.</summary>
internal sealed class SignInGuard(int mostWrong, TimeSpan lockout, TimeProvider time)
{
    private const int MostKept = 10_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<(string Name, string Place), Record> _records = [];

    public bool IsLocked(string name, string place)
    {
        lock (_lock)
        {
            return _records.TryGetValue((name, place), out var record) && record.Wrong >= mostWrong && !IsOver(record);
        }
    }

    public void Wrong(string name, string place)
    {
        lock (_lock)
        {
            if (_records.Count >= MostKept)
                MakeRoom();
            var wrong = _records.TryGetValue((name, place), out var record) && !IsOver(record) ? record.Wrong : 0;
            _records[(name, place)] = new Record(wrong + 1, time.GetTimestamp());
        }
    }

    public void Right(string name, string place)
    {
        lock (_lock)
            _records.Remove((name, place));
    }

    private bool IsOver(Record record) => time.GetElapsedTime(record.At) > lockout;

    // Those that are over; when there are none, all: who tries so many names is not held back by this any more, and others are not locked out by it.
    private void MakeRoom()
    {
        foreach (var (key, record) in _records)
        {
            if (IsOver(record))
                _records.Remove(key);
        }

        if (_records.Count >= MostKept)
            _records.Clear();
    }

    private readonly record struct Record(int Wrong, long At);
}
