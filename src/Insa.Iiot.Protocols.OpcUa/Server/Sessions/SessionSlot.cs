namespace Insa.Iiot.Protocols.OpcUa.Server.Sessions;

/// <summary>
/// A place in every session for what a service keeps there, such as its subscriptions. Make one per kind of state, in a static field.
/// What is disposable is disposed when the session has closed.
/// </summary>
internal sealed class SessionSlot<T>
    where T : class
{
    private readonly int _index = SessionSlots.Take();

    public T? Find(UaSession session) => (T?)Volatile.Read(ref session.Slots[_index]);

    /// <summary>Finds it or makes it; of two threads that do at once, both get the same.</summary>
    public T GetOrAdd(UaSession session, Func<UaSession, T> make)
    {
        if (Find(session) is { } found)
            return found;
        var made = make(session);
        return (T?)Interlocked.CompareExchange(ref session.Slots[_index], made, null) ?? made;
    }

    /// <summary>Takes it out.</summary>
    public T? Remove(UaSession session) => (T?)Interlocked.Exchange(ref session.Slots[_index], null);
}
