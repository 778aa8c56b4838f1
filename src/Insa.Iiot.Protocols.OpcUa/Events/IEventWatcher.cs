namespace Insa.Iiot.Protocols.OpcUa.Events;

/// <summary>Hears of events.</summary>
internal interface IEventWatcher
{
    /// <summary>Says what has happened; what may be seen of it is for the watcher to ask. Cheap, and never throws; called on any thread, the events of a tenant in their order.</summary>
    void OnEvent(UaEvent e);
}
