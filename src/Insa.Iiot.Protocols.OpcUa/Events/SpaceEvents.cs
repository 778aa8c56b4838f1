using System.Collections.Concurrent;

namespace Insa.Iiot.Protocols.OpcUa.Events;

/// <summary>Who watches the events of a tenant's space. Thread-safe.</summary>
internal sealed class SpaceEvents
{
    private readonly ConcurrentDictionary<IEventWatcher, SpaceNotifier> _watchers = new(ReferenceEqualityComparer.Instance);

    // Held while watchers are told, so that all hear of events in the same order. Nobody waits for it who holds what a watcher needs.
    private readonly Lock _telling = new();

    /// <summary>Whether anybody hears of anything.</summary>
    public bool AreWatched => !_watchers.IsEmpty;

    public void Add(SpaceNotifier notifier, IEventWatcher watcher) => _watchers[watcher] = notifier;

    public void Remove(IEventWatcher watcher) => _watchers.TryRemove(watcher, out _);

    /// <summary>Tells all who watch where it is.</summary>
    public void Raise(UaEvent e)
    {
        lock (_telling)
        {
            foreach (var (watcher, notifier) in _watchers)
            {
                if (notifier.Has(e))
                    watcher.OnEvent(e);
            }
        }
    }
}
