namespace Insa.Iiot.Protocols.OpcUa.Events;

/// <summary>A node whose events somebody may watch, as one session sees it. Thread-safe. May be called with a subscription locked.</summary>
internal interface IEventNotifier
{
    /// <summary>From now on the watcher hears of every event that is to be seen here.</summary>
    void Watch(IEventWatcher watcher);

    /// <summary>Ends it. The watcher may still hear of an event that is under way.</summary>
    void Unwatch(IEventWatcher watcher);

    /// <summary>What is to be seen here of an event.</summary>
    /// <returns><see langword="null"/> if that is nothing.</returns>
    UaEvent? See(UaEvent e);
}
