using Insa.Iiot.Protocols.OpcUa.Server.Sessions;

namespace Insa.Iiot.Protocols.OpcUa.Events;

/// <summary>A node whose events somebody may watch. Thread-safe. May be called with a subscription locked.</summary>
internal interface IEventNotifier
{
    /// <summary>From now on the watcher hears of every event that there is here, whoever may see it.</summary>
    void Watch(IEventWatcher watcher);

    /// <summary>Ends it. The watcher may still hear of an event that is under way.</summary>
    void Unwatch(IEventWatcher watcher);

    /// <summary>What somebody sees here of an event.</summary>
    /// <param name="e">The event.</param>
    /// <param name="identity">Who, as they are now: what they may see can have changed since they began to watch.</param>
    /// <returns><see langword="null"/> if that is nothing.</returns>
    UaEvent? See(UaEvent e, SessionIdentity identity);
}
